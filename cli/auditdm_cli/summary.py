"""What an audit says at its end: its failure types, the success of its auditors, its cost, and where the report lies.

Fits 80 columns, reads the same in a file, and keeps to ASCII where the stream cannot show more.
"""

from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from auditdm_hub.records import PAIRINGS
from auditdm_hub.report import HTML, Results, wording
from auditdm_hub.report.schema import Rate

COLORS = {"confirmed": "green", "suggestive": "yellow", "proposed": "", "rejected": "dim"}


def show(results: Results, path: Path, console: Console) -> None:
    """Print the results of the run that lies at `path`."""
    speaker = Speaker(console)
    speaker.line("")
    speaker.line(wording.verdict(results))
    if results["failure_types"]:
        console.print(_types(results, speaker))
    elif results["refusal"]:
        speaker.line(results["refusal"])
    if wording.arms(results):
        console.print(_success(results, speaker))
    speaker.line("")
    for line in _closing(results):
        speaker.line(line)
    speaker.line(f"Report: {path / HTML}", fold=False)


class Speaker:
    """Writes what the console's encoding can show, and nothing as markup: models wrote much of it."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self.plain = not console.encoding.lower().startswith("utf")
        self.dash = "-" if self.plain else "–"

    def text(self, words: str, style: str = "") -> Text:
        """Return words that can be printed: no line breaks, and nothing that steers a terminal."""
        words = "".join(each if each.isprintable() else " " for each in words)
        if self.plain:
            words = words.replace("–", "-").replace("·", "-").encode("ascii", "replace").decode()
        return Text(words, style)

    def line(self, words: str, fold: bool = True) -> None:
        """Print a line; without `fold` it is not broken, so that a path can be copied."""
        self._console.print(self.text(words), soft_wrap=not fold)


def _types(results: Results, speaker: Speaker) -> Table:
    table = plain_table("Failure types")
    table.add_column("type", overflow="fold")
    table.add_column("status")
    table.add_column("failed / trials", justify="right", no_wrap=True)
    table.add_column("failure rate", justify="right", no_wrap=True)
    for kind in results["failure_types"]:
        span = wording.interval(kind["low"], kind["high"], speaker.dash)
        table.add_row(
            speaker.text(kind["name"]),
            speaker.text(kind["status"], COLORS[kind["status"]]),
            f"{kind['failures']:,} / {kind['trials']:,}",
            f"{wording.percent(kind['rate'])} ({span})",
        )
    return table


def _success(results: Results, speaker: Speaker) -> Table:
    """Return rate with interval and, below, counts: columns of their own would not fit."""
    table = plain_table("Search success: failures / all trials, with 95% intervals")
    table.add_column("auditor", no_wrap=True)
    for head in ("all", *PAIRINGS, "effective\ntypes"):
        table.add_column(Text(head), justify="right", overflow="fold")
    for arm, success in wording.arms(results).items():
        parts = [success, *(success["by_pairing"].get(pairing) for pairing in PAIRINGS)]
        cells = [Text(_rate(part, speaker.dash) if part else "") for part in parts]
        style = "bold" if arm == "trained" else ""
        table.add_row(Text(wording.ARM_NAMES[arm], style), *cells, f"{success['effective_types']:.1f}")
    return table


def _rate(rate: Rate, dash: str) -> str:
    span = wording.interval(rate["low"], rate["high"], dash)
    return f"{wording.percent(rate['rate'])} {span}\n{rate['valid']:,} / {rate['trials']:,}"


def plain_table(title: str) -> Table:
    """Return a table with a title and no columns yet."""
    return Table(
        title=f"\n{title}",
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )


def _closing(results: Results) -> list[str]:
    done, trials = wording.scored(results)
    consensus, seconds = results["consensus"], results["seconds"]
    lines = [
        *wording.passes(results),
        f"Consensus: {wording.percent(consensus['rate'])} of {consensus['trials']:,} trials that were answered; "
        f"scored {done:,} of {trials:,}.",
        *wording.trust(results),
        f"Unique failures: {results['unique_failures']:,}, of which {results['unassigned']:,} without a type.",
        f"Time: {wording.duration(seconds['total'])} (training {wording.duration(seconds['train'])}, probing "
        f"{wording.duration(seconds['probe'])}, curation {wording.duration(seconds['curate'])}).",
    ]
    if results["cost"]:
        spent = (f"{name} {wording.number(count)}" for name, count in results["cost"].items())
        lines.append(f"Cost: {', '.join(spent)}.")
    if results["faults"]:
        lines.append(f"Faults: {', '.join(f'{fault} ({count:,})' for fault, count in results['faults'].items())}.")
    lines += [f"Not used: {decision} (curation.yaml)." for decision in results["unused_decisions"]]
    return lines
