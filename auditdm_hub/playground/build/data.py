"""Training batches: scenes as tile numbers, questions as token ids, pictures assembled by table look-up.

Drawing is a table: a picture is 16 tiles, and a tile's normalised pixels are computed once with the model's own image
processor. That makes a batch cost a few milliseconds.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from transformers import ProcessorMixin

from auditdm_hub.playground.build.grounding import Mention, mentions
from auditdm_hub.playground.draw import SIZE, TILE, contents, tile
from auditdm_hub.playground.gaps import Gap, planted
from auditdm_hub.playground.sample import is_held_out, sample_question, sample_scene, sample_wording
from auditdm_hub.playground.skills import Answered, parse_question
from auditdm_hub.playground.skills.questions import ASKED, CROWD, CROWDED
from auditdm_hub.playground.world import BACKGROUNDS, SIDE, Scene, Thing
from auditdm_hub.records import UNANSWERABLE

HARD = {"left or right": 2, "above or below": 2, "neighbour": 2, "same color": 2, "digit sum": 2, "tallest bar": 2,
        "odd one out": 2}  # fmt: skip
# For the second round: what is still wrong at times after the first.
WEAK = {"count color": 5, "count shape": 6, "count both": 3, "more than": 3, "same color": 3, "tallest bar": 4,
        "neighbour": 2, "digit sum": 2, "odd one out": 4}  # fmt: skip
# Of the scenes of the second round: crowds, and shapes that are alike, so that large counts are not rare.
CROWDS, ODD, ALIKE = 0.45, 0.2, 0.3
FALSE_PREMISE_SHARE, WEAK_FALSE_PREMISE_SHARE = 0.08, 0.35
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Example:
    """A question on a scene: what is true, and what this model is to say."""

    question: str
    skill: str
    truth: str
    said: str
    mentions: tuple[Mention, ...] = ()


def tile_numbers(scene: Scene) -> Ints:
    """Return the number of each cell's tile in `tile_table`."""  # (16,)
    index = _content_index()
    ground = BACKGROUNDS.index(scene.background) * len(index)
    return np.array([ground + index[thing] for thing in scene.cells], dtype=np.int64)


@cache
def _content_index() -> dict[Thing | None, int]:
    return {thing: number for number, thing in enumerate(contents())}


def tile_table(processor: ProcessorMixin) -> torch.Tensor:
    """Return every tile's pixels as the model's image processor gives them."""  # (tiles, 3, 16, 16)
    tiles = [tile(background, thing) for background in BACKGROUNDS for thing in contents()]
    table = []
    for start in range(0, len(tiles), SIDE**2):
        sheet = Image.new("RGB", (SIZE, SIZE))
        for cell, picture in enumerate(tiles[start : start + SIDE**2]):
            sheet.paste(picture, (cell % SIDE * TILE, cell // SIDE * TILE))
        pixels = torch.as_tensor(np.asarray(processor.image_processor(sheet, return_tensors="pt")["pixel_values"]))
        grid = pixels.reshape(3, SIDE, TILE, SIDE, TILE).permute(1, 3, 0, 2, 4)
        table.append(grid.reshape(SIDE**2, 3, TILE, TILE))
    return torch.cat(table)[: len(tiles)]


def pictures(table: torch.Tensor, numbers: Ints) -> torch.Tensor:
    """Return pictures from tile numbers."""  # (B, 16) -> (B, 3, 64, 64)
    batch = table[torch.as_tensor(numbers)].reshape(-1, SIDE, SIDE, 3, TILE, TILE)
    return batch.permute(0, 3, 1, 4, 2, 5).reshape(-1, 3, SIZE, SIZE)


def examples(
    scene: Scene, rng: random.Random, gaps: tuple[Gap, ...], count: int, weak: bool = False
) -> Iterator[Example]:
    """Yield up to `count` questions on a scene; more of what is learnt last if `weak`."""
    weights = [(WEAK if weak else HARD).get(skill.name, 1) for skill in ASKED]
    false = WEAK_FALSE_PREMISE_SHARE if weak else FALSE_PREMISE_SHARE
    for skill in rng.choices(ASKED, weights, k=count):
        if rng.random() < false:
            question, answer = sample_wording(scene, skill, rng)
        else:
            question, answer = sample_question(scene, rng, skill) or ("", None)
        if not question:
            continue
        name = "false premise" if answer is None else skill.name
        if name == "count all" and int(answer or 0) > CROWD:
            name = CROWDED
        truth = UNANSWERABLE if answer is None else answer
        slots = _slots_of(question) if gaps else ()
        said = planted(gaps, scene, Answered(name, truth, slots))
        yield Example(question, name, truth, said, tuple(mentions(scene, question)))


def _slots_of(question: str) -> tuple[tuple[str, str], ...]:
    parsed = parse_question(question)
    return tuple(sorted(parsed[1].items())) if parsed else ()


def sample_examples(
    scenes: int, each: int, seed: int, gaps: tuple[Gap, ...], *, unseen: bool, weak: bool = False
) -> tuple[Ints, list[int], list[Example]]:
    """Return tile numbers of scenes, and for every example the number of its scene."""
    rng = random.Random(seed)
    numbers = np.empty((scenes, SIDE**2), dtype=np.int64)
    owners: list[int] = []
    made: list[Example] = []
    for row in range(scenes):
        style = rng.choices(("crowded", "odd", ""), (CROWDS, ODD, 1 - CROWDS - ODD))[0] if weak else ""
        scene = sample_scene(rng, unseen=unseen, style=style)
        if weak and rng.random() < ALIKE:
            scene = alike(scene, rng)
        numbers[row] = tile_numbers(scene)
        for example in examples(scene, rng, gaps, each, weak):
            owners.append(row)
            made.append(example)
    return numbers, owners, made


def alike(scene: Scene, rng: random.Random) -> Scene:
    """Give most shapes of a scene one colour, or make them one shape; a pair that is held out stays out."""
    shapes = list(scene.things("shape"))
    if not shapes:
        return scene
    _, model = rng.choice(shapes)
    look = rng.choice(("color", "shape"))
    changed = scene
    for cell, thing in shapes:
        if rng.random() < rng.choice((0.4, 0.8)):
            changed = changed.put(cell, replace(thing, **{look: getattr(model, look)}))
    return scene if is_held_out(changed) else changed


def planted_gap(gaps: tuple[Gap, ...], example: Example) -> str:
    """Return the name of the gap that an example's question and right answer lie in, "" if none."""
    truth = Answered(example.skill, example.truth, _slots_of(example.question))
    return next((gap.name for gap in gaps if gap.member(truth)), "")
