"""`report.html`: one self-contained page, without scripts, from `results.json`, a repair and the run's images.

Everything that models or users wrote is escaped by the template engine, and the page forbids itself to load anything.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from auditdm_hub.evaluating.comparison import Comparison
from auditdm_hub.images import ImageStore
from auditdm_hub.records import PAIRINGS
from auditdm_hub.report import wording
from auditdm_hub.report.curves import HEIGHT, WIDTH, training_curves
from auditdm_hub.report.pictures import Picture, pictures_of
from auditdm_hub.report.rounds import Round, share, type_names
from auditdm_hub.report.schema import Example, Results, TypeResult
from auditdm_hub.text import plural, visible

TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True, slots=True)
class Shown:
    """An example with its pictures."""

    example: Example
    pictures: Sequence[Picture]


@dataclass(frozen=True, slots=True)
class Card:
    """A failure type with the pictures of its examples; `anchor` is its place on the page."""

    anchor: str
    kind: TypeResult
    examples: Sequence[Shown]
    counterexamples: Sequence[Shown]


def _finalize(value: object) -> object:
    """Make what models wrote harmless; what is markup already is ours."""
    return visible(re.sub(r"\s+", " ", value)) if type(value) is str else value


def render_html(
    results: Results, store: ImageStore, rounds: Sequence[Round] = (), repair: Sequence[Comparison] = ()
) -> str:
    """Return the page; with `rounds` of repair it has their table, with one `repair` that of before and after.

    Raises:
        RunError: an image of an example is missing or was changed.
    """
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        finalize=_finalize,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(percent=wording.percent, duration=wording.duration, number=wording.number, plural=plural)
    cards = [
        Card(
            f"type-{place}",
            kind,
            [Shown(example, pictures_of(example, store)) for example in kind["examples"]],
            [Shown(example, pictures_of(example, store)) for example in kind["counterexamples"]],
        )
        for place, kind in enumerate(results["failure_types"], start=1)
    ]
    return environment.get_template("report.html.j2").render(
        results=results,
        cards=cards,
        arms=wording.arms(results),
        curves=training_curves(results["training"]["log"]),
        box=(WIDTH, HEIGHT),
        names=wording.model_names(results),
        scored=wording.scored(results),
        verdict=wording.verdict(results),
        wording=wording,
        pairings=PAIRINGS,
        rounds=rounds,
        repair=repair,
        first_types=type_names(rounds),
        benchmarks=list(rounds[0]["benchmarks"]) if rounds else [],
        share=share,
        css=(TEMPLATES / "report.css").read_text(),
    )
