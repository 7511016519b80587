"""`auditdm-hub rectify`."""

import json
import shlex
import sys
from pathlib import Path
from typing import Annotated, Literal, cast

import typer

from auditdm_hub.errors import ConfigError

TARGETS = ("language", "language and projector", "all")


def command(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a finished audit.")],
    probes: Annotated[int, typer.Option(min=0, help="More trials of each auditor, to learn from.")] = 0,
    rows: Annotated[int, typer.Option(min=2, help="Rows to train on, at most.")] = 4000,
    agreement: Annotated[float, typer.Option(min=0, max=1, help="Least share of references that agree.")] = 0.6,
    replay: Annotated[float, typer.Option(min=0, max=0.95, help="Share of what the target got right.")] = 0.5,
    steps: Annotated[int, typer.Option(min=1, help="Steps of training, at most.")] = 600,
    batch_size: Annotated[int, typer.Option(min=1, help="Rows of a step.")] = 32,
    learning_rate: Annotated[float, typer.Option(min=0, help="At its highest.")] = 2e-4,
    rank: Annotated[int, typer.Option(min=1, help="Of the LoRA adapter; alpha is twice that.")] = 32,
    adapt: Annotated[str, typer.Option(metavar="PARTS", help="language, language and projector, or all.")] = "language",
    merge: Annotated[bool, typer.Option("--merge", help="Also write the model with the adapter in it.")] = False,
    seed: Annotated[int, typer.Option(help="Same seed, same adapter.")] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu, mps, cuda or cuda:0.")] = "auto",
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a rectification that is there.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print evaluation.json and nothing else.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but errors.")] = False,
) -> None:
    """Repair the target of an audit with a LoRA adapter.

    It learns the consensus on its failures beside what it got right, and is asked before and after.
    """
    from auditdm_cli.audit import require_extra

    require_extra()
    if adapt not in TARGETS:
        raise ConfigError(f"--adapt: got {adapt!r}, wanted one of {', '.join(TARGETS)}")
    from auditdm_cli.progress import Reporter
    from auditdm_hub.rectifying.examples import Mixture
    from auditdm_hub.rectifying.train import TuningSettings
    from auditdm_hub.workflows import Watcher
    from auditdm_hub.workflows.rectification import Rectification, rectify_run

    parts = cast(Literal["language", "language and projector", "all"], adapt)
    tuning = TuningSettings(
        steps=steps, batch_size=batch_size, learning_rate=learning_rate, lora_rank=rank, lora_alpha=2 * rank,
        targets=parts, seed=seed, device=device,
    )  # fmt: skip
    mixture = Mixture(agreement=agreement, replay=replay, size=rows, seed=seed)
    line = shlex.join(["auditdm-hub", *(word for word in sys.argv[1:] if word != "--resume"), "--resume"])
    try:
        with Reporter(quiet or as_json) as reporter:
            watcher = Watcher(reporter.say, reporter.stage)
            rectify_run(run, Rectification(mixture, tuning, probes, merge), resume=resume, watcher=watcher)
    except KeyboardInterrupt:
        typer.echo(f"Interrupted; to continue: {line}", err=True)
        raise typer.Exit(130) from None
    results = json.loads((run / "evaluation.json").read_text())
    if as_json:
        typer.echo(json.dumps(results, indent=2))
    elif not quiet:
        from rich.console import Console

        from auditdm_cli.evaluation_summary import show

        show({"scores": {}, "failures": {}, **results}, run / "rectified", Console(highlight=False))
