"""`auditdm-hub evaluate`."""

import json
import math
import sys
from pathlib import Path
from typing import Annotated

import typer

from auditdm_cli.options import pairs, require_extra, resumable, resume_line
from auditdm_hub.errors import ConfigError


def command(
    model: Annotated[str, typer.Argument(help="A folder, a Hub id, URL#MODEL, or playground (the embedded target).")],
    adapter: Annotated[
        str, typer.Option(metavar="DIR|REPO@V", help="A LoRA adapter: the model is evaluated before and after.")
    ] = "",
    benchmark: Annotated[list[str] | None, typer.Option(metavar="NAME", help="Repeat it for each.")] = None,
    suite: Annotated[str, typer.Option(metavar="playground|paper", help="A set of benchmarks.")] = "",
    failures: Annotated[str, typer.Option(metavar="REPO@V", help="A released failure set.")] = "",
    split: Annotated[str, typer.Option(metavar="train|test|all", help="Of the failure set.")] = "all",
    limit: Annotated[int | None, typer.Option(min=1, help="Rows of a benchmark; questions of a skill or type.")] = None,
    data: Annotated[
        str, typer.Option(metavar="DIR", help="Folder with a folder for each benchmark, or with tasks of lmms-eval.")
    ] = "",
    revision: Annotated[
        list[str] | None, typer.Option(metavar="NAME=COMMIT", help="Of a benchmark's data set; repeat it.")
    ] = None,
    driver: Annotated[
        str,
        typer.Option(metavar="native|lmms-eval", help="Who asks and scores; lmms-eval takes its tasks' names, too."),
    ] = "native",
    key: Annotated[
        list[str] | None,
        typer.Option(metavar="SERVER=VARIABLE", help="Environment variable with an endpoint's key; repeat it."),
    ] = None,
    price: Annotated[
        str, typer.Option(metavar="READ,WRITTEN", help="Of a million tokens of an endpoint, as 0.15,0.60.")
    ] = "",
    max_cost: Annotated[float, typer.Option(min=0, help="Cost at which it stops, to be resumed; 0 = no limit.")] = 0.0,
    blind: Annotated[bool, typer.Option("--blind", help="Also without the image: grey in its place.")] = False,
    answer_prompt: Annotated[
        str, typer.Option(metavar="TEXT", help="Put around {question} for a chat model, in skills and failures.")
    ] = "",
    seed: Annotated[int, typer.Option(help="Of the playground's questions.")] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu, mps, cuda or cuda:0.")] = "auto",
    batch_size: Annotated[int, typer.Option(min=1, help="Questions decoded at a time.")] = 64,
    out: Annotated[str, typer.Option(help="Folder of the run; default: a new one in runs/.")] = "",
    resume: Annotated[bool, typer.Option("--resume", help="Continue the run that is in the folder.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print evaluation.json and nothing else.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but errors.")] = False,
) -> None:
    """Measure a model on benchmarks and on released failures.

    With an adapter: before and after, on the same items, regressions first.
    """
    require_extra()
    from auditdm_cli.progress import Reporter
    from auditdm_hub.workflows import Watcher
    from auditdm_hub.workflows.calls import evaluation_path
    from auditdm_hub.workflows.evaluation import Evaluation, run_evaluation

    wanted = Evaluation(
        model=model, adapter=adapter, benchmarks=tuple(benchmark or ()), suite=suite, failures=failures, split=split,
        limit=limit, data=data, revisions=pairs("--revision", revision), keys=pairs("--key", key),
        price=_price(price), max_cost=max_cost,
        blind=blind, driver=driver, seed=seed,
        answer_prompt=answer_prompt, device=device, batch_size=batch_size,
    )  # fmt: skip
    path = Path(out) if out else evaluation_path(model, latest=resume)
    line = resume_line(sys.argv[1:], str(path))
    with resumable(line), Reporter(quiet or as_json) as reporter:
        watcher = Watcher(reporter.say, reporter.stage)
        run = run_evaluation(wanted, path, resume=resume, watcher=watcher)
    results = json.loads((run.path / "evaluation.json").read_text())
    if as_json:
        typer.echo(json.dumps(results, indent=2))
    elif not quiet:
        from rich.console import Console

        from auditdm_cli.evaluation_summary import show

        show(results, run.path, Console(highlight=False))


def _price(text: str) -> tuple[float, ...]:
    try:
        found = tuple(float(part) for part in text.split(",")) if text else ()
    except ValueError:
        found = (math.nan,)
    if found and not (len(found) == 2 and all(0 <= part < math.inf for part in found)):  # noqa: PLR2004
        raise ConfigError(f"--price: got {text!r}, wanted two prices of a million tokens: READ,WRITTEN")
    return found
