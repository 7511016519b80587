"""How much of an adapter to keep: between a model and its fine-tuning lies one that repairs and hardly forgets.

The weights that an adapter adds are scaled by shares below 1. What is kept is a share at which the model still gives
the replayed answers of held-out images, but for a margin: the largest, or the smallest that repairs as much as is
wanted. Interpolating weights is WiSE-FT (Wortsman et al., 2022, arXiv 2109.01903); to choose the share by what was held
out is ours.
"""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean

from PIL.Image import Image

from auditdm_hub.auditing.normalise import normalise
from auditdm_hub.auditing.novelty import frame
from auditdm_hub.models.spec import ModelSpec
from auditdm_hub.protocols import VisionLanguageModel
from auditdm_hub.rectifying.adapters import scale_adapter
from auditdm_hub.rectifying.examples import FORGOTTEN, KEPT, REPLAY, Example

SHARES = (1.0, 0.9, 0.85, 0.8, 0.75, 0.7, 0.65, 0.6, 0.55, 0.5)
FEWEST = 50


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an adapter shall keep and repair, of held-out rows.

    `margin`: the most of the replays that may be lost, in [0, 1]. `repair`: the share of lessons at which the smallest
    share of the adapter will do, in [0, 1]; 1 = all that keeps within the margin is kept.
    """

    margin: float = 1.0
    repair: float = 1.0


@dataclass(frozen=True, slots=True)
class Strength:
    """A share, and the errors on held-out rows with it: of what was to be learned, and of what was to be kept.

    In the latter each kind of question counts alike: what is asked seldom is what is forgotten first. What a draft
    forgot is not among them: it was chosen for being lost, and would say more than is lost in use.
    """

    share: float
    lessons: float
    replays: float


def scale_back(
    base: ModelSpec, adapter: Path, held: Sequence[Example], images: Callable[[str], Image], wanted: Wanted, out: Path
) -> list[Strength]:  # fmt: skip
    """Write the adapter that keeps within a margin, and return the shares that were tried, the one that is kept last.

    Args:
        base: the model.
        adapter: folder of its adapter.
        held: rows that were not trained on; with fewer than `FEWEST` replays among them the adapter stays whole, and
            with fewer than that lessons it is not scaled back for them.
        images: returns an image by its hash.
        wanted: what to keep, and what to repair.
        out: folder of the adapter that is kept.
    """
    if sum(row.part not in KEPT for row in held) < FEWEST:  # chance would choose
        wanted = replace(wanted, repair=1.0)
    if wanted == Wanted() or sum(row.part == REPLAY for row in held) < FEWEST:
        scale_adapter(adapter, 1.0, out)
        return []
    work, found = out.with_name(out.name + ".tried"), list[Strength]()
    for share in SHARES:
        scale_adapter(adapter, share, work)
        found.append(Strength(share, *_errors(base.load(str(work)), held, images)))
        if _is_last(found[-1], wanted):
            break
    kept = _choose(found, wanted)
    scale_adapter(adapter, kept.share, out)
    shutil.rmtree(work)
    return [*(each for each in found if each != kept), kept]


def _is_last(tried: Strength, wanted: Wanted) -> bool:
    """Whether a smaller share cannot be better."""
    return tried.replays <= wanted.margin and (wanted.repair >= 1 or 1 - tried.lessons < wanted.repair)


def _choose(found: Sequence[Strength], wanted: Wanted) -> Strength:
    within = [each for each in found if each.replays <= wanted.margin]
    if not within:
        return min(found, key=lambda each: (each.replays, -each.share))
    enough = [each for each in within if 1 - each.lessons >= wanted.repair] if wanted.repair < 1 else []
    return min(enough, key=lambda each: each.share) if enough else max(within, key=lambda each: each.share)


def _errors(model: VisionLanguageModel, held: Sequence[Example], images: Callable[[str], Image]) -> tuple[float, float]:
    """Return the share of wrong answers to lessons, and to replays, each kind of question counted alike."""
    asked = [row for row in held if row.part != FORGOTTEN]
    answers = model.answer([images(row.image_sha) for row in asked], [row.question for row in asked])
    lessons, replays = list[bool](), dict[str, list[bool]]()
    for said, row in zip(answers, asked, strict=True):
        part = replays.setdefault(frame(row.question), []) if row.part == REPLAY else lessons
        part.append(normalise(said or "") != normalise(row.label))
    return (mean(lessons) if lessons else 0.0), mean(mean(part) for part in replays.values())
