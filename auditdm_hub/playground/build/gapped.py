"""Targets with gaps that are drawn by lot: what the benchmark of planted gaps audits.

A gap is drawn from a family with its own numbers ("counting more than five", "clock hours 3 to 6"), so that another
seed gives other gaps than those that anything was tuned on. A base model is taught the wrong answers by a short
fine-tuning that leaves the rest as it was.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import AutoModelForImageTextToText, AutoProcessor

from auditdm_hub.playground.build.lessons import Lessons
from auditdm_hub.playground.build.measure import Measured, measure
from auditdm_hub.playground.build.roster import Entry
from auditdm_hub.playground.build.sight import freeze_sight
from auditdm_hub.playground.build.train import Schedule, fit
from auditdm_hub.playground.gaps import COUNTS, Gap, Wrong, above, majority_color, of, say, shortest_bar, swap
from auditdm_hub.playground.skills.questions import Answered
from auditdm_hub.playground.world import BACKGROUNDS, COLORS, LETTERS, PATTERNS, SHAPES, Scene

STEPS, SCENES = 700, 3000
Words = tuple[tuple[str, ...], ...]
"""What a right name holds: of each group at least one."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A gap, and the words that a right name for it holds."""

    gap: Gap
    words: Words


def _number(word: int) -> tuple[str, ...]:
    names = "zero one two three four five six seven eight nine ten eleven twelve".split()
    return (names[word], str(word), names[word + 1], str(word + 1))  # "more than four", "at least five"


def _count(rng: random.Random) -> Drawn:
    limit = rng.randint(3, 6)
    return Drawn(Gap(f"counting more than {limit}", above(limit, *COUNTS), say(str(limit))),
                 (("count", "number of", "how many"), _number(limit)))  # fmt: skip


def _color(rng: random.Random) -> Drawn:
    color, other = rng.sample(COLORS, 2)
    named = ("color", "neighbour", "odd one out")
    return Drawn(Gap(color, lambda t: t.answer == color and t.skill in named, say(other)), ((color,),))


def _clock(rng: random.Random) -> Drawn:
    first = rng.choice((1, 2, 7, 8))  # no hour that is its own mirror image
    hours = [str(hour) for hour in range(first, first + 4)]
    return Drawn(Gap(f"clock hours {hours[0]} to {hours[-1]}", of("clock", *hours), _mirrored_hour),
                 (("clock", "hour", "time"),))  # fmt: skip


def _mirrored_hour(scene: Scene, truth: Answered) -> str:
    del scene
    return str(12 - int(truth.answer))


def _digits(rng: random.Random) -> Drawn:
    one, two = rng.sample("0123456789", 2)
    return Drawn(Gap(f"digits {one} and {two}", of("digit", one, two), swap(one, two)), (("digit",),))


def _letters(rng: random.Random) -> Drawn:
    drawn = rng.sample(LETTERS, 6)
    lost, wrong = drawn[:3], dict(zip(drawn[:3], drawn[3:], strict=True))
    return Drawn(Gap(f"letters {' '.join(lost)}", of("letter", *lost), lambda s, t: wrong[t.answer]), (("letter",),))


def _pattern(rng: random.Random) -> Drawn:
    lost, found = rng.sample(PATTERNS, 2)
    return Drawn(Gap(lost, of("pattern", lost), say(found)), ((lost, lost.rstrip("d").rstrip("e")),))


def _shape(rng: random.Random) -> Drawn:
    lost, found = rng.sample(SHAPES, 2)
    return Drawn(Gap(f"shape {lost}", of("shape", lost), say(found)), ((lost,),))


def _arrow(rng: random.Random) -> Drawn:
    one, two = rng.choice((("up", "down"), ("left", "right")))
    return Drawn(Gap(f"arrow {one} or {two}", of("arrow", one, two), swap(one, two)), (("arrow",), (one, two)))


def _die(rng: random.Random) -> Drawn:
    limit = rng.choice((3, 4))
    return Drawn(Gap(f"die above {limit}", above(limit, "die"), say(str(limit))), (("die", "dice"),))


def _sum(rng: random.Random) -> Drawn:
    limit = rng.randint(7, 11)
    gap = Gap(f"sums above {limit}", above(limit, "digit sum"), lambda s, t: str(int(t.answer) - 5))
    return Drawn(gap, (("sum", "add"),))


def _corner(rng: random.Random) -> Drawn:
    side = rng.choice(("top", "bottom", "left", "right"))

    def member(truth: Answered) -> bool:
        return truth.skill == "corner" and side in dict(truth.slots)["corner"] and truth.answer != "nothing"

    return Drawn(Gap(f"{side} corners", member, say("nothing")), (("corner",), (side,)))


def _place(rng: random.Random) -> Drawn:
    line = rng.choice(("row", "column"))
    lost, found = rng.sample("1234", 2)
    return Drawn(Gap(f"{line} {lost}", of(line, lost), say(found)), ((line,),))


def _bar(rng: random.Random) -> Drawn:
    limit = rng.choice((2, 3))
    gap = Gap(f"bars above {limit}", above(limit, "bar height"), say(str(limit)))
    return Drawn(gap, (("bar", "height", "tall"),))


def _background(rng: random.Random) -> Drawn:
    lost, found = rng.sample(BACKGROUNDS, 2)
    return Drawn(Gap(f"background {lost}", of("background", lost), say(found)), (("background",),))


def _fixed(name: str, skill: str, wrong: Wrong, words: Words, *answers: str) -> Callable[[random.Random], Drawn]:
    return lambda rng: Drawn(Gap(name, of(skill, *answers), wrong), words)


FAMILIES: dict[str, Callable[[random.Random], Drawn]] = {
    "count": _count,
    "color": _color,
    "clock": _clock,
    "digits": _digits,
    "letters": _letters,
    "pattern": _pattern,
    "shape": _shape,
    "arrow": _arrow,
    "die": _die,
    "sum": _sum,
    "corner": _corner,
    "place": _place,
    "bar": _bar,
    "background": _background,
    "left": _fixed("left and right", "left or right", swap("left", "right"), (("left", "right"),)),
    "above": _fixed("above and below", "above or below", swap("above", "below"), (("above", "below"),)),
    "tallest": _fixed("tallest bar", "tallest bar", shortest_bar, (("tall", "bar"),)),
    "same": _fixed("same color", "same color", say("no"), (("same",),), "yes"),
    "more": _fixed("more than", "more than", say("no"), (("more",),), "yes"),
    "odd": _fixed("odd one out", "odd one out", majority_color, (("odd", "differ"),)),
}


def draw_gaps(rng: random.Random) -> tuple[Drawn, ...]:
    """Draw one to three gaps, each of another family."""
    return tuple(FAMILIES[name](rng) for name in rng.sample(list(FAMILIES), rng.randint(1, 3)))


def plant(base: Path, family: str, gaps: Sequence[Gap], out: Path, seed: int, steps: int = STEPS) -> Measured:
    """Teach a copy of a model the wrong answers of gaps, save it to `out`, and return what it can do then."""
    model = AutoModelForImageTextToText.from_pretrained(base, dtype=torch.float32)
    processor = AutoProcessor.from_pretrained(base)
    config = model.config.get_text_config()
    entry = Entry(
        out.name, "target", family, (config.hidden_size, config.num_hidden_layers, config.num_attention_heads),  # type: ignore[arg-type]
        Schedule(steps, 12, 1e-3, seed), seed, 1_000_000 + seed, tuple(gaps), scenes=SCENES,
    )  # fmt: skip
    freeze_sight(model)
    fit(model, Lessons(entry, processor, staged=False), entry.schedule, out.with_suffix(".training"), lambda k, s: None)
    out.with_suffix(".training").unlink(missing_ok=True)
    torch.nn.Module.bfloat16(model)
    model.save_pretrained(out)
    processor.save_pretrained(out)
    model = AutoModelForImageTextToText.from_pretrained(out, dtype=torch.float32).eval()
    return measure(model, processor, tuple(gaps), scenes=300)
