"""`auditdm-hub audit`."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from auditdm_cli.options import columns_of, require_extra, resumable, resume_line

if TYPE_CHECKING:
    from auditdm_hub.config import AuditConfig
    from auditdm_hub.runs import Run


def command(
    config: Annotated[
        Path | None, typer.Argument(metavar="[CONFIG]", help="YAML file; each option below has its key there.")
    ] = None,
    preset: Annotated[str | None, typer.Option(help="Where to start from; see `auditdm-hub presets`.")] = None,
    target: Annotated[str | None, typer.Option(help="The model to audit: a Hub id, a folder or URL#MODEL.")] = None,
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
        "pool": pool, "columns": columns_of(columns) or None, "pool_license": pool_license, "probes": probes,
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
    with resumable(line), Reporter(quiet or as_json) as reporter:
        watcher = Watcher(reporter.say, reporter.stage)
        run: Run = run_audit(settings, resume=resume, yes=yes, command=line.replace(" --resume", ""), watcher=watcher)
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
