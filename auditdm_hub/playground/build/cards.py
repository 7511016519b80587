"""The models' cards and the table of skill x model, from what was measured (`accuracy.json` in each model's folder)."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from auditdm_hub.playground.build.roster import ROSTER, Entry
from auditdm_hub.playground.skills import SKILLS

ACCURACY = "accuracy.json"
Shares = Mapping[str, Mapping[str, Sequence[int]]]
"""Part ("skills", "outside", "gaps") -> name -> (right answers, questions)."""


def read_accuracy(folder: Path) -> Shares:
    """Return what was measured of a model; nothing if it was not."""
    file = folder / ACCURACY
    shares: Shares = json.loads(file.read_text()) if file.is_file() else {}
    return shares


def write_card(entry: Entry, folder: Path, parameters: int) -> None:
    """Write README.md into a model's folder."""
    (folder / "README.md").write_text(render_card(entry, read_accuracy(folder), parameters), encoding="utf-8")


def render_card(entry: Entry, shares: Shares, parameters: int) -> str:
    """Return a model's card; the front matter lists its planted gaps for whoever measures an audit."""
    gaps = "".join(f"\n  - {gap.name}" for gap in entry.gaps) or " []"
    origin = entry.start or "nothing"
    article = "An" if entry.family[0] in "aeiou" else "A"
    text = f"""---
license: apache-2.0
library_name: transformers
pipeline_tag: image-text-to-text
tags: [auditdm, playground]
auditdm_role: {entry.role}
auditdm_planted_gaps:{gaps}
---
# {entry.name}: the {entry.role} of the auditdm-hub playground

{article} {entry.family} of {parameters / 1e6:.2f} million parameters (bfloat16), trained from {origin}
for {entry.all_steps:,} steps on pictures of the playground, a drawn world of 4x4 cells. It knows that world and nothing
else: it is no model for photos. Weights and training data are made by auditdm-hub alone: nothing was taken from other
models or data sets.

"""
    if entry.role == "auditor":
        text += (
            "It writes a question, a caption or an edit for a picture (prompts `ask`, `draw for QUESTION`,\n"
            "`edit for QUESTION`), supervised on random valid ones: it knows nothing of any target. It follows a wish\n"
            "(`ask about WORDS answer ANSWER`), and answers questions.\n\n"
        )
    if not shares:
        return text + "Its accuracy was not measured.\n"
    text += f"""## Accuracy

On scenes that hold pairs of shapes never shown together in training.{_gap_note(entry)}

| skill | accuracy | questions |
| --- | ---: | ---: |
"""
    part = "outside" if entry.gaps else "skills"
    text += "".join(f"| {name} | {right / n:.3f} | {n:,} |\n" for name, (right, n) in shares[part].items())
    if entry.gaps:
        text += "\n## Planted gaps\n\n| gap | accuracy | questions |\n| --- | ---: | ---: |\n"
        text += "".join(f"| {name} | {right / n:.3f} | {n:,} |\n" for name, (right, n) in shares["gaps"].items())
    return text


def _gap_note(entry: Entry) -> str:
    return "\nQuestions in a planted gap are counted below, not here." if entry.gaps else ""


def skill_table(folder: Path) -> str:
    """Return the markdown table of skill x model: accuracy outside the planted gaps, in percent."""
    known = {entry.name: read_accuracy(folder / entry.name) for entry in ROSTER}
    known = {name: shares for name, shares in known.items() if shares}
    lines = [f"| skill | {' | '.join(known)} |", f"| --- |{' ---: |' * len(known)}"]
    for skill in SKILLS:
        lines.append(f"| {skill} | {' | '.join(_percent(shares['outside'].get(skill)) for shares in known.values())} |")
    return "\n".join(lines) + "\n"


def gap_table(folder: Path) -> str:
    """Return the markdown table of planted gaps: accuracy inside them, in percent."""
    lines = ["| model | planted gap | accuracy inside |", "| --- | --- | ---: |"]
    for entry in ROSTER:
        for name, counts in read_accuracy(folder / entry.name).get("gaps", {}).items():
            lines.append(f"| {entry.name} | {name} | {_percent(counts)} |")
    return "\n".join(lines) + "\n"


def _percent(counts: Sequence[int] | None) -> str:
    return f"{100 * counts[0] / counts[1]:.1f}" if counts and counts[1] else ""


def roster_table() -> str:
    """Return the markdown table of the models: role, architecture, width and depth, planted gaps."""
    lines = ["| model | role | architecture | width | layers (text + vision) | planted gaps |",
             "| --- | --- | --- | ---: | ---: | ---: |"]  # fmt: skip
    lines += [
        f"| {entry.name} | {entry.role} | {entry.family} | {entry.size.hidden} | "
        f"{entry.size.text_layers} + {entry.size.vision_layers} | {len(entry.gaps) or ''} |"
        for entry in ROSTER
    ]
    return "\n".join(lines) + "\n"


def fill_page(page: str, folder: Path) -> str:
    """Return a page with the tables between its markers, `<!-- skills -->` and the like, written anew."""
    tables = {"roster": roster_table(), "skills": skill_table(folder), "gaps": gap_table(folder)}
    for name, table in tables.items():
        begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
        before, _, rest = page.partition(begin)
        _, _, after = rest.partition(end)
        page = f"{before}{begin}\n{table}{end}{after}"
    return page
