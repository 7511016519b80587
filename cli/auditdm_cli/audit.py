"""`auditdm-hub audit`."""

import json
import shlex
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from auditdm_hub.errors import BackendUnavailableError, ConfigError

if TYPE_CHECKING:
    from auditdm_hub.config import AuditConfig
    from auditdm_hub.runs import Run


def command(
    config: Annotated[
        Path | None, typer.Argument(metavar="[CONFIG]", help="YAML file; each option below has its key there.")
    ] = None,
    preset: Annotated[str | None, typer.Option(help="Where to start from; see `auditdm-hub presets`.")] = None,
    target: Annotated[str | None, typer.Option(help="The model to audit: a Hub id or a folder.")] = None,
    reference: Annotated[
        list[str] | None, typer.Option(metavar="MODEL", help="A model that votes; repeat it for each.")
    ] = None,
    holdout: Annotated[str | None, typer.Option(help="A reference kept out of the vote, as a check; or none.")] = None,
    auditor: Annotated[str | None, typer.Option(help="A base model, or the run of a trained auditor.")] = None,
    known: Annotated[
        list[str] | None, typer.Option(metavar="RUN", help="A run whose failure types are known; repeat it for each.")
    ] = None,
    pool: Annotated[str | None, typer.Option(help="Images: a folder (captions in .txt) or a data set.")] = None,
    columns: Annotated[
        list[str] | None, typer.Option(metavar="ROLE=COLUMN", help="A column of the data set, e.g. image=photo.")
    ] = None,
    pool_license: Annotated[str | None, typer.Option(help="Licence of the images, e.g. cc-by-4.0.")] = None,
    probes: Annotated[int | None, typer.Option(help="Trials of each auditor.")] = None,
    steps: Annotated[int | None, typer.Option(help="Training steps of the auditor; 0 uses it as it is.")] = None,
    judge: Annotated[str | None, typer.Option(help="Who compares answers: vqa, embedding, or a model.")] = None,
    embedder: Annotated[str | None, typer.Option(help="Model that embeds questions for clustering.")] = None,
    no_baseline: Annotated[bool, typer.Option("--no-baseline", help="Skip prompt-only and random auditors.")] = False,
    seed: Annotated[int | None, typer.Option(help="Same seed, same result.")] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu, mps, cuda or cuda:0.")] = None,
    max_cost: Annotated[
        float | None, typer.Option(help="Cost of endpoints at which to stop, to be resumed; see endpoints.prices.")
    ] = None,
    report_to: Annotated[str | None, typer.Option(help="trackio, wandb or tensorboard.")] = None,
    out: Annotated[str | None, typer.Option(help="Folder of the run; default: a new one in runs/.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue the run that is in the folder.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Start an expensive audit.")] = False,
    plan: Annotated[
        bool, typer.Option("--plan", help="Print models, licences, sizes, memory and time; load and start nothing.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print results.json and nothing else.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but errors.")] = False,
) -> None:
    """Find what a vision-language model fails at while others agree.

    Without options it audits the embedded playground: offline, some minutes on two CPU cores.
    """
    require_extra()
    from auditdm_hub.config import load_config
    from auditdm_hub.runs import default_path

    flags: dict[str, Any] = {
        "target": target, "references": reference, "holdout": holdout, "auditor": auditor, "known": known,
        "pool": pool, "columns": parse_columns(columns), "pool_license": pool_license, "probes": probes,
        "steps": steps, "judge": judge, "embedder": embedder, "baseline": False if no_baseline else None,
        "seed": seed, "device": device, "report_to": report_to, "out": out,
        "endpoints": None if max_cost is None else {"max_cost": max_cost},
    }  # fmt: skip
    settings = load_config(config, preset, {key: value for key, value in flags.items() if value is not None})
    if plan:
        return _print_plan(settings, as_json)
    if not settings.out:
        path = default_path(Path("runs"), settings.target, latest=resume)
        settings = settings.model_copy(update={"out": str(path)})

    from auditdm_cli.progress import Reporter
    from auditdm_hub.workflows import Watcher, run_audit

    line = resume_line(sys.argv[1:], settings.out)
    try:
        with Reporter(quiet or as_json) as reporter:
            watcher = Watcher(reporter.say, reporter.stage)
            run: Run = run_audit(
                settings, resume=resume, yes=yes, command=line.replace(" --resume", ""), watcher=watcher
            )  # fmt: skip
    except KeyboardInterrupt:
        typer.echo(f"Interrupted; to continue: {line}", err=True)
        raise typer.Exit(130) from None
    if as_json:
        typer.echo(json.dumps(run.results(), indent=2))
    elif not quiet:
        from rich.console import Console

        from auditdm_cli.summary import show
        from auditdm_hub.report import checked_results

        show(checked_results(run.results(), run.path / "results.json"), run.path, Console(highlight=False))


def _print_plan(settings: "AuditConfig", as_json: bool) -> None:
    from rich.console import Console

    from auditdm_cli import preview as printed
    from auditdm_hub.workflows.preview import preview

    found = preview(settings)
    if as_json:
        typer.echo(json.dumps(printed.as_json(found), indent=2))
    else:
        printed.show(found, Console(highlight=False))


def require_extra() -> None:
    """Refuse to start without the packages that an audit needs.

    Raises:
        BackendUnavailableError: one is not installed.
    """
    missing = [name for name in ("torch", "transformers", "trl", "peft", "model2vec") if find_spec(name) is None]
    if missing:
        raise BackendUnavailableError(
            f"an audit needs {', '.join(missing)}, not installed; run: pip install 'auditdm-hub[audit]'"
        )


def parse_columns(pairs: list[str] | None) -> dict[str, str] | None:
    """Return `ROLE=COLUMN` pairs as a mapping.

    Raises:
        ConfigError: one is no such pair.
    """
    if not pairs:
        return None
    columns = {}
    for pair in pairs:
        role, equals, column = pair.partition("=")
        if not (role and equals and column):
            raise ConfigError(f"--columns: got {pair!r}, wanted ROLE=COLUMN, for example image=photo")
        columns[role] = column
    return columns


def resume_line(arguments: list[str], out: str) -> str:
    """Return the command line that continues a run that was started with these arguments; `out` "" = they name it."""
    has_out = any(argument == "--out" or argument.startswith("--out=") for argument in arguments)
    added = [] if has_out or not out else ["--out", out]
    added += [] if "--resume" in arguments else ["--resume"]
    return shlex.join(["auditdm-hub", *arguments, *added])
