"""The gate for new pictures: changed enough, and a model says that they show what was asked for."""

from collections.abc import Sequence

import pytest
from PIL import Image

from auditdm_hub.auditing.faithful import Gate, change
from auditdm_hub.auditing.memory import ImageMemory
from auditdm_hub.auditing.probe import Draft, ImageTools, blameless, build_probes, undrawn
from auditdm_hub.auditing.themes import passed
from auditdm_hub.records import NotMade, Seed

IMAGES = ImageMemory()
GRAY = Image.new("RGB", (8, 8), (100, 100, 100))
SEED = Seed("s", IMAGES.put(GRAY), "", "how many cups?", "", "", "CC0", "discovery")


class Looker:
    """Says yes to red pictures, no to blue ones, and nothing to others."""

    id, family = "looker", "toy"

    def __init__(self) -> None:
        self.asked: list[str] = []

    def answer(self, images: Sequence[Image.Image], questions: Sequence[str]) -> list[str | None]:
        self.asked += questions
        said = {"red": "Yes, it does.", "blue": "no", "other": None}
        return [said[_name(image)] for image in images]


def _name(image: Image.Image) -> str:
    red, _, blue = image.getpixel((0, 0))  # type: ignore[misc]
    return "red" if red > 200 else "blue" if blue > 200 else "other"


class Painter:
    """Paints the picture in the color that the text names; "faint" changes one pixel by a level, "torn" makes none."""

    id = "painter"

    def edit(
        self, images: Sequence[Image.Image], instructions: Sequence[str], seeds: Sequence[int]
    ) -> list[Image.Image | NotMade]:
        return [self._one(image, text) for image, text in zip(images, instructions, strict=True)]

    def generate(self, prompts: Sequence[str], seeds: Sequence[int]) -> list[Image.Image | NotMade]:
        return [self._one(GRAY, text) for text in prompts]

    def _one(self, image: Image.Image, text: str) -> Image.Image | NotMade:
        if "torn" in text:
            return NotMade("no canvas")
        if "faint" in text:
            copy = image.copy()
            copy.putpixel((0, 0), (101, 100, 100))
            return copy
        return Image.new("RGB", image.size, text.split()[-1].rstrip("."))


@pytest.mark.parametrize(
    ("action", "text", "fault"),
    [
        ("edit", "paint it red.", ""),
        ("edit", "paint it blue.", "edit not realised: paint it blue."),
        ("edit", "a faint line.", "edit not realised: a faint line."),
        ("edit", "paint it green.", "passed: no answer from the gate"),  # not the trial's fault: it is none
        ("edit", "a torn one is red.", "edit not made, no canvas: a torn one is red."),
        ("caption", "a sea that is blue", "caption not realised: a sea that is blue"),
        ("caption", "a rose that is red", ""),
    ],
)  # fmt: skip
def test_a_picture_that_does_not_show_what_was_asked_for_is_a_fault(action: str, text: str, fault: str) -> None:
    looker, painter = Looker(), Painter()
    tools = ImageTools(IMAGES, 0, painter, painter, Gate(looker))
    draft = Draft(SEED, action, 0, f"<{action}> {text}", "theme", "wish")  # type: ignore[arg-type]
    (probe,) = build_probes([draft], "auditor", tools)
    assert probe.fault == fault
    assert undrawn(probe) == ("not realised" in fault or "not made" in fault)
    assert passed(probe) == ("no answer" in fault)
    assert blameless(probe) == ("no answer" in fault or "not made" in fault)
    assert (probe.image_sha == SEED.image_sha) == ("torn" in text)
    assert len(looker.asked) == ("faint" not in text and "torn" not in text)
    assert all(text in question for question in looker.asked)


def test_without_a_gate_and_for_questions_nobody_is_asked() -> None:
    painter = Painter()
    draft = Draft(SEED, "edit", 0, "<edit> paint it blue.")
    assert not build_probes([draft], "auditor", ImageTools(IMAGES, 0, painter, painter))[0].fault
    looker = Looker()
    question = Draft(SEED, "question", 0, "<question> how many?")
    build_probes([question], "auditor", ImageTools(IMAGES, 0, painter, painter, Gate(looker)))
    assert not looker.asked


@pytest.mark.parametrize(
    ("action", "text", "fault"),
    [("edit", "paint it blue.", False), ("edit", "a faint line.", True), ("caption", "blue", False)],
)
def test_without_a_model_an_edit_must_have_changed_something(action: str, text: str, fault: bool) -> None:
    painter = Painter()
    draft = Draft(SEED, action, 0, f"<{action}> {text}")  # type: ignore[arg-type]
    (probe,) = build_probes([draft], "auditor", ImageTools(IMAGES, 0, painter, painter, Gate(None)))
    assert bool(probe.fault) == fault


def test_the_change_is_a_share_of_the_range() -> None:
    assert change(GRAY, GRAY) == 0
    assert change(Image.new("RGB", (4, 4)), Image.new("RGB", (4, 4), "white")) == 1
    assert change(GRAY, GRAY.resize((4, 4))) == 1
