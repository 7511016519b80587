"""What a confirmation says at its end: the status of each failure type and what it rests on."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console

from auditdm_cli.summary import COLORS, Speaker, plain_table
from auditdm_hub.report import HTML, wording
from auditdm_hub.text import plural


def show(told: Mapping[str, Any], path: Path, console: Console) -> None:
    """Print what `confirmation.json` of the run at `path` holds."""
    speaker = Speaker(console)
    table = plain_table("Failure types on fresh images: wrong answers")
    table.add_column("type", overflow="fold")
    table.add_column("status")
    for head in ("target", "controls", "no vote", "q"):
        table.add_column(head, justify="right", no_wrap=True)
    for kind in told["types"]:
        shares = [_share(kind[name]) for name in ("target", "controls", "aside")]
        status = speaker.text(kind["status"], COLORS[kind["status"]])
        table.add_row(speaker.text(kind["name"]), status, *shares, wording.chance(kind["q_value"]))
    console.print(table)
    counts = Counter(kind["status"] for kind in told["types"])
    said = ", ".join(f"{counts[status]} {status}" for status in wording.STATUSES if counts[status])
    settings = told["settings"]
    aside = told["aside"] or "each reference family in turn"
    speaker.line("")
    speaker.line(f"{plural(told['images'], 'fresh image')}; {said}. No vote: {aside}.")
    speaker.line(
        f"Confirmed: the target errs more often than the model without a vote, and by more than "
        f"{100 * settings['margin']:g} points more than on controls, also without the most frequent question (q at "
        f"most {settings['level']:g})."
    )
    speaker.line(f"Report: {path / HTML}", fold=False)


def _share(share: Mapping[str, Any]) -> str:
    return f"{wording.percent(share['rate'])} of {share['items']:,}" if share["items"] else "-"
