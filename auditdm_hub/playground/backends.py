"""The playground behind the seams of an audit: a pool of pictures, an image editor and an image generator.

They see what any editor sees: a picture and a text. The scene is read back from the pixels (`draw.read`).
"""

import random
from collections.abc import Iterator, Sequence

from PIL.Image import Image

from auditdm_hub.playground.draw import draw, read
from auditdm_hub.playground.language import compose, describe, edit
from auditdm_hub.playground.sample import sample_question, sample_scene

LICENCE = "CC0-1.0"


class PlaygroundEditor:
    """Edits a picture by its scene graph: exactly what the instruction says changes, or nothing is returned."""

    id = "playground-editor"

    def edit(self, images: Sequence[Image], instructions: Sequence[str], seeds: Sequence[int]) -> list[Image | None]:
        """Return the edited pictures; None where the instruction is not understood or cannot be done."""
        edited: list[Image | None] = []
        for image, instruction in zip(images, instructions, strict=True):
            scene = read(image)
            changed = edit(scene, instruction) if scene else None
            edited.append(draw(changed) if changed else None)
        return edited


class PlaygroundGenerator:
    """Draws a caption; the seed places what the caption leaves open."""

    id = "playground-generator"

    def generate(self, prompts: Sequence[str], seeds: Sequence[int]) -> list[Image | None]:
        """Return one picture per caption; None where the caption is not understood."""
        scenes = [compose(prompt, seed) for prompt, seed in zip(prompts, seeds, strict=True)]
        return [draw(scene) if scene else None for scene in scenes]


def pictures(count: int, seed: int) -> Iterator[tuple[Image, str, str]]:
    """Yield (picture, caption, question) of scenes that hold shapes never seen together in training."""
    for number in range(count):
        rng = random.Random(f"playground pool {seed} {number}")
        scene = sample_scene(rng, unseen=True)
        question, _ = sample_question(scene, rng) or ("what color is the background?", "")
        yield draw(scene), describe(scene), question


def random_texts(count: int, seed: int) -> dict[str, list[str]]:
    """Return texts for the random auditor by action, each made for some other picture of the world."""
    from auditdm_hub.playground.sample import sample_edit

    rng = random.Random(f"playground texts {seed}")
    scenes = [sample_scene(rng, unseen=True) for _ in range(count)]
    asked = [sample_question(scene, rng) for scene in scenes]
    return {
        "question": [question[0] for question in asked if question],
        "caption": [describe(scene) for scene in scenes],
        "edit": [sample_edit(scene, rng) for scene in scenes],
    }
