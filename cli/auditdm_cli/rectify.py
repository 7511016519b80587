"""`auditdm-hub rectify`."""

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from auditdm_cli.options import columns_of, refuse_idle, require_extra, resumable, resume_line


def command(
    run: Annotated[Path | None, typer.Argument(metavar="RUN", help="The folder of a finished audit.")] = None,
    failures: Annotated[
        str, typer.Option(metavar="REPO@V", help="In the place of RUN: a released failure set; needs --target.")
    ] = "",
    target: Annotated[str, typer.Option(help="With --failures: the model to repair.")] = "",
    answer_prompt: Annotated[
        str, typer.Option(metavar="TEXT", help="With --failures: put around {question} for a chat model.")
    ] = "",
    labelled: Annotated[
        str, typer.Option(metavar="DATASET", help="Images to probe in the place of the pool's; its answers count.")
    ] = "",
    columns: Annotated[
        list[str] | None, typer.Option(metavar="ROLE=COLUMN", help="A column of DATASET, e.g. image=photo.")
    ] = None,
    probes: Annotated[int | None, typer.Option(help="More trials of the trained auditor, to learn from.")] = None,
    pool_questions: Annotated[
        int | None, typer.Option(help="Images that are asked the pool's own questions, to keep what it can.")
    ] = None,
    refusals: Annotated[
        int | None, typer.Option(help="Questions that nearly fit, for the target alone: what it refuses is replayed.")
    ] = None,
    second_look: Annotated[
        int | None, typer.Option(help="Questions for target and a first adapter: it learns where the two differ.")
    ] = None,
    rows: Annotated[int | None, typer.Option(help="Rows to train on, at most.")] = None,
    agreement: Annotated[float | None, typer.Option(help="Least share of references that agree.")] = None,
    replay: Annotated[float | None, typer.Option(help="Share of what the target got right.")] = None,
    steps: Annotated[int | None, typer.Option(help="Steps of training, at most.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Rows of a step.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="At its highest.")] = None,
    rank: Annotated[int | None, typer.Option(help="Of the LoRA adapter.")] = None,
    alpha: Annotated[
        int | None, typer.Option(help="Of the LoRA adapter; without it twice the rank that is given.")
    ] = None,
    adapt: Annotated[
        str | None, typer.Option(metavar="PARTS", help="language, language and projector, or all.")
    ] = None,
    four_bit: Annotated[
        bool | None, typer.Option("--four-bit", help="Hold the model's weights in 4 bits while it is trained.")
    ] = None,
    margin: Annotated[float | None, typer.Option(help="Most that may be lost of what it could do; 1 = any.")] = None,
    repair: Annotated[
        float | None, typer.Option(help="Share of failures that is enough: no more of the adapter is kept; 1 = all.")
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Audit what comes out and rectify it again, so often.")] = 1,
    benchmark: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="With --rounds: what each round is measured with.")
    ] = None,
    data: Annotated[str, typer.Option(metavar="DIR", help="With --benchmark: a folder with a folder for each.")] = "",
    merge: Annotated[bool, typer.Option("--merge", help="Also write the model with the adapter in it.")] = False,
    max_cost: Annotated[
        float | None, typer.Option(min=0, help="Cost of endpoints at which more probes stop, to be resumed.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Same seed, same adapter.")] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu, mps, cuda or cuda:0; default: as the audit.")] = "",
    out: Annotated[str, typer.Option(help="With --failures: folder of the run; default: a new one in runs/.")] = "",
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a rectification that is there.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print evaluation.json and nothing else.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but errors.")] = False,
) -> None:
    """Repair the target of an audit with a LoRA adapter.

    It learns the consensus on its failures beside what it got right, and is asked before and after. What is not given
    is as the configuration of the audit has it under `rectification`.
    """
    require_extra()
    refuse_idle("--columns", columns, "--labelled", labelled)
    from auditdm_cli.progress import Reporter
    from auditdm_hub.workflows import Watcher
    from auditdm_hub.workflows.calls import Again, Labelled, Source, rectify

    options = {
        "probes": probes, "pool_questions": pool_questions, "refusals": refusals, "second_look": second_look,
        "rows": rows, "agreement": agreement, "replay": replay, "steps": steps, "batch_size": batch_size,
        "learning_rate": learning_rate, "lora_rank": rank,
        "lora_alpha": alpha if alpha is not None else 2 * rank if rank else None,
        "adapt": adapt, "margin": margin, "repair": repair, "four_bit": four_bit,
    }  # fmt: skip
    source = Source(run, failures, target, out, answer_prompt)
    path = source.path(resume)
    line = resume_line(sys.argv[1:], "" if run else str(path))
    with resumable(line), Reporter(quiet or as_json) as reporter:
        rectify(
            source if run else replace(source, out=str(path)), again=Again(rounds, tuple(benchmark or ()), data),
            labelled=Labelled(labelled, columns_of(columns)), merge=merge, seed=seed, device=device,
            max_cost=max_cost, resume=resume, watcher=Watcher(reporter.say, reporter.stage),
            **{key: value for key, value in options.items() if value is not None},
        )  # fmt: skip
    _show(path, rounds > 1, as_json, quiet)


def _show(path: Path, several: bool, as_json: bool, quiet: bool) -> None:
    file = path / ("rounds/evaluation.json" if several else "evaluation.json")
    results = json.loads(file.read_text())
    if several:
        results["rounds"] = json.loads((path / "rounds.json").read_text())["rounds"]
    if as_json:
        typer.echo(json.dumps(results, indent=2))
    elif not quiet:
        from rich.console import Console

        from auditdm_cli.evaluation_summary import show, show_rounds

        console = Console(highlight=False)
        show({"scores": {}, "failures": {}, **results}, file.parent, console)
        if several:
            show_rounds(results["rounds"], console)
