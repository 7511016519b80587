"""`auditdm-hub publish`."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

import typer

from auditdm_cli.options import pairs, refuse_idle
from auditdm_hub.errors import ConfigError

if TYPE_CHECKING:
    from auditdm_hub.publishing.hub import Published
    from auditdm_hub.workflows.publication import Options, Outline


def command(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The run's folder; with --withdraw the repository.")],
    name: Annotated[str, typer.Argument(metavar="[ORG/NAME]", help="The repository on the Hub.")] = "",
    to: Annotated[Path | None, typer.Option(help="A folder to publish to, instead of the Hub.")] = None,
    adapter: Annotated[
        Path | None, typer.Option(metavar="DIR|RUN", help="Publish this LoRA adapter instead of the failures.")
    ] = None,
    evaluation: Annotated[
        list[Path] | None, typer.Option(metavar="RUN", help="With --adapter: an evaluation of it, for its card.")
    ] = None,
    training_rows: Annotated[
        bool, typer.Option("--training-rows", help="With --adapter: what it was trained on goes along.")
    ] = False,
    base: Annotated[str, typer.Option(help="Hub id of the adapter's base model.")] = "",
    version: Annotated[str, typer.Option(help="Default: what the changes since the last release require.")] = "",
    append: Annotated[bool, typer.Option("--append", help="Add the run to what was released before.")] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Put the run in the place of another one.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be published, and stop.")] = False,
    private: Annotated[bool, typer.Option("--private", help="Only you and your organisation can see it.")] = False,
    gated: Annotated[str, typer.Option(metavar="auto|manual", help="Others have to ask for access.")] = "",
    parent: Annotated[str, typer.Option(metavar="COMMIT", help="Publish on top of this commit, though not ours.")] = "",
    license_file: Annotated[
        list[str] | None, typer.Option(metavar="LICENCE=FILE", help="Terms that have to go along; repeat it.")
    ] = None,
    model_license: Annotated[
        list[str] | None, typer.Option(metavar="MODEL=LICENCE", help="A model's licence, if its card has none.")
    ] = None,
    withdraw: Annotated[str, typer.Option(metavar="VERSION", help="Mark a version as not to be used.")] = "",
    why: Annotated[str, typer.Option(help="The reason to withdraw it.")] = "",
    check: Annotated[bool, typer.Option("--check/--no-check", help="Read the release back.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print the plan and what came of it as JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but errors.")] = False,
) -> None:
    """Publish failures, or an adapter, as a version that stays.

    The same command after an interruption goes on, and does nothing if all is done.
    """
    os.environ.setdefault("USE_TORCH", "0")  # or datasets imports it to stream a table: two seconds, for nothing
    from auditdm_cli.progress import Reporter
    from auditdm_cli.release_plan import as_lines, plan_as_json
    from auditdm_hub.workflows import Watcher
    from auditdm_hub.workflows.publication import Options

    if gated not in ("", "auto", "manual"):
        raise ConfigError(f"--gated: got {gated!r}, wanted auto or manual")
    refuse_idle("--base", base, "--adapter", adapter)
    refuse_idle("--why", why, "--withdraw", withdraw)
    options = Options(
        to=to, adapter=adapter, evaluations=tuple(evaluation or ()), rows=training_rows, base=base, version=version,
        append=append, replace=replace, private=private, parent=parent,
        gated=cast(Literal["auto", "manual"] | None, gated or None),
        licenses=pairs("--model-license", model_license),
        license_files={key: Path(file) for key, file in pairs("--license-file", license_file).items()},
        check=check,
    )  # fmt: skip
    with Reporter(quiet or as_json) as reporter:
        watcher = Watcher(reporter.say, reporter.stage)
        if withdraw:
            _withdraw(str(run) if not name else name, options, withdraw, why, watcher)
            return

        def confirm(outline: "Outline") -> bool:
            if not as_json and not quiet:
                reporter.clear()
                typer.echo("\n".join(as_lines(outline, outline.options, full=dry_run)))
            return not dry_run

        found = _publish(run, name, options, confirm, watcher)
    if as_json:
        typer.echo(json.dumps(plan_as_json(found), indent=2))
    elif not dry_run and not quiet:
        published = cast("Published", found)
        done = "Published" if published.fresh else "Already published: nothing to do;"
        typer.echo(f"{done} {published.version} at {published.url}")


def _publish(run: Path, name: str, options: "Options", confirm: Any, watcher: Any) -> "Published | Outline":  # noqa: ANN401
    from auditdm_cards import adapter_card, dataset_card
    from auditdm_hub.workflows.publication import Cards, publish_run

    return publish_run(run, name, options, Cards(dataset_card, adapter_card), confirm, watcher)


def _withdraw(repo: str, options: "Options", version: str, why: str, watcher: Any) -> None:  # noqa: ANN401
    from auditdm_hub.workflows.publication import withdraw_version

    if not why:
        raise ConfigError("--withdraw: say the reason with --why: people who use the version will read it")
    withdraw_version(repo, version, why, options, watcher)
