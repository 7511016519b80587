"""Texts for the random auditor where nothing better is known of the world: what anybody might ask of any photo."""

from collections.abc import Sequence, Set

from auditdm_hub.auditing.parse import parse
from auditdm_hub.records import Action, Seed

QUESTIONS = (
    "How many people are in the picture?", "How many animals are in the picture?", "What color is the largest object?",
    "What is in the background?", "What is in the foreground?", "Is it day or night?", "Is there any text?",
    "What is the person on the left doing?", "What is on the table?", "What is the weather like?",
    "Is this indoors or outdoors?", "Which object is closest to the camera?", "What is the main object made of?",
    "Is anything partly hidden?", "What shape is the largest object?", "How many objects are red?",
)  # fmt: skip
CAPTIONS = (
    "a crowded street with many signs", "a kitchen table seen from above, covered with small things",
    "three dogs and two cats on a sofa", "a shelf with books of many colors", "a child holding a red balloon in a park",
    "a train station at night in the rain", "five people around a table, one of them turned away",
    "a glass bowl of fruit in front of a mirror",
)  # fmt: skip
EDITS = (
    "add a small red ball on the ground", "make the largest object blue", "remove the object on the left",
    "turn the background into a beach", "add another object of the same kind", "make it night",
    "swap the colors of the two largest objects", "make the main object half as large",
)  # fmt: skip


def generic_texts(seeds: Sequence[Seed]) -> dict[Action, list[str]]:
    """Return texts by action: the pool's own questions and captions, and beside them some that fit any picture."""
    questions = _usable({seed.question for seed in seeds}, "question")
    captions = _usable({seed.caption for seed in seeds}, "caption")
    return {"question": [*questions, *QUESTIONS], "caption": [*captions, *CAPTIONS], "edit": list(EDITS)}


def _usable(texts: Set[str], action: Action) -> list[str]:
    return sorted(text for text in texts if not parse(f"<{action}> {text}", action, "Any question?").fault)
