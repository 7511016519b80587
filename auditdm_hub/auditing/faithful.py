"""Whether a new picture shows what was asked for: a gate for captions and edits.

1. An edited picture must differ from its original by more than a pipeline's noise: on average `LEAST_CHANGE` of the
   range of a channel.
2. A vision-language model says whether the picture shows the caption, or what the instruction of the edit says.
3. Whether the question can still be answered is left to the vote: what the references call unanswerable is invalid.

A picture that does not pass is a fault of its trial, and is not asked about. Where no answer was got to a wish, there
is no trial: it is counted as passed. The playground's image makers do exactly what they are told or nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image, ImageChops

from auditdm_hub.auditing.normalise import normalise
from auditdm_hub.auditing.themes import PASSED
from auditdm_hub.errors import FAULTS
from auditdm_hub.protocols import VisionLanguageModel
from auditdm_hub.records import Probe

LEAST_CHANGE = 0.01
NOT_SHOWN = "not realised"
UNCHECKED = f"{PASSED}: no answer from the gate"
CAPTION = "Does this picture show the following: {instruction} Answer yes or no."
EDIT = "This picture was edited as follows: {instruction} Does it show the result of that? Answer yes or no."


@dataclass(frozen=True, slots=True)
class Gate:
    """Who looks at new pictures; without a model only how much an edit changed is looked at."""

    model: VisionLanguageModel | None
    least_change: float = LEAST_CHANGE

    def check(
        self, probes: Sequence[Probe], pictures: Sequence[Image.Image], before: Sequence[Image.Image]
    ) -> list[Probe]:
        """Return the probes, with a fault where the picture does not pass.

        Args:
            probes: each with a new picture.
            pictures: the new pictures.
            before: the originals.
        """
        kept = [
            probe if probe.action != "edit" or change(old, new) >= self.least_change else _faulty(probe)
            for probe, new, old in zip(probes, pictures, before, strict=True)
        ]
        if self.model is None:
            return kept
        asked = [place for place, probe in enumerate(kept) if not probe.fault]
        answers = self._answers([pictures[place] for place in asked], [_question(kept[place]) for place in asked])
        for place, answer in zip(asked, answers, strict=True):
            if answer is None:
                kept[place] = replace(kept[place], fault=UNCHECKED)
            elif not normalise(answer).startswith("yes"):
                kept[place] = _faulty(kept[place])
        return kept

    def _answers(self, pictures: Sequence[Image.Image], questions: Sequence[str]) -> Sequence[str | None]:
        try:
            return self.model.answer(pictures, questions) if self.model else [None] * len(questions)
        except FAULTS:
            return [None] * len(questions)


def change(before: Image.Image, after: Image.Image) -> float:
    """Return the mean absolute difference of two pictures over all channels, in [0, 1]; 1 for other sizes."""
    if before.size != after.size:
        return 1.0
    difference = ImageChops.difference(before.convert("RGB"), after.convert("RGB"))
    return float(np.asarray(difference, np.float64).mean() / 255)


def _question(probe: Probe) -> str:
    return (EDIT if probe.action == "edit" else CAPTION).replace("{instruction}", probe.instruction)


def _faulty(probe: Probe) -> Probe:
    return replace(probe, fault=f"{probe.action} {NOT_SHOWN}: {probe.instruction}")
