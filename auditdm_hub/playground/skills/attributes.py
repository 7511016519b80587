"""Questions on the look of one shape, and on the background."""

from auditdm_hub.playground.skills.skill import Executor, Skill, Slots, only
from auditdm_hub.playground.world import Scene


def _attribute(slot: str, name: str) -> Executor:
    def execute(scene: Scene, slots: Slots) -> str | None:
        found = only(scene, slots[slot])
        return str(getattr(found[1], name)) if found else None

    return execute


SKILLS = (
    Skill(
        "color",
        ("what color is the {colorless}?", "which color does the {colorless} have?",
         "name the color of the {colorless}."),
        _attribute("colorless", "color"),
    ),
    Skill(
        "shape",
        ("what shape is the {shapeless} thing?", "which shape does the {shapeless} thing have?",
         "name the shape of the {shapeless} thing."),
        _attribute("shapeless", "shape"),
    ),
    Skill(
        "size",
        ("what size is the {sizeless}?", "how big is the {sizeless}?", "is the {sizeless} small or large?"),
        _attribute("sizeless", "size"),
    ),
    Skill(
        "pattern",
        ("what pattern does the {patternless} have?", "how is the {patternless} filled?",
         "is the {patternless} solid, striped or hollow?"),
        _attribute("patternless", "pattern"),
    ),
    Skill(
        "background",
        ("what color is the background?", "which color does the background have?", "name the color of the background."),
        lambda scene, slots: scene.background,
    ),
)  # fmt: skip
