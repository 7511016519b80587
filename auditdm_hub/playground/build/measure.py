"""Measures a model of the playground: accuracy by skill and inside each gap, on scenes unlike those of training."""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import torch
from transformers import PreTrainedModel, ProcessorMixin

from auditdm_hub.playground.build.batches import Pair, layout, model_inputs, single
from auditdm_hub.playground.build.data import pictures, planted_gap, sample_examples, tile_table
from auditdm_hub.playground.gaps import Gap
from auditdm_hub.playground.skills import SKILLS

MEASURE_SEED = 990_001
BATCH = 256


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Right answers and questions asked."""

    right: int
    asked: int

    @property
    def share(self) -> float:
        """Return the accuracy, in [0, 1]."""
        return self.right / self.asked if self.asked else float("nan")


@dataclass(frozen=True, slots=True)
class Measured:
    """Accuracy by skill: all questions, those outside every gap; and by gap, the questions inside."""

    skills: dict[str, Accuracy]
    outside: dict[str, Accuracy]
    gaps: dict[str, Accuracy]


def predictions(
    model: PreTrainedModel, processor: ProcessorMixin, prompts: list[str], pixels: torch.Tensor
) -> list[str]:
    """Return the model's first answer word to each prompt."""  # pixels: (N, 3, 64, 64)
    around, tok = layout(processor), processor.tokenizer
    said: list[str] = []
    for start in range(0, len(prompts), BATCH):
        pairs = [
            Pair(tok.encode(p, add_special_tokens=False), [tok.eos_token_id], 0) for p in prompts[start : start + BATCH]
        ]
        batch = single(around, pairs)
        inputs = model_inputs(model, batch, pixels[start : start + BATCH])
        inputs["logits_to_keep"] = 3  # the last prompt token, then two stand-ins for the answer
        if model.config.model_type != "paligemma":
            inputs.pop("token_type_ids")
        if model.config.model_type == "gemma3":
            inputs["token_type_ids"] = (batch.inputs["input_ids"] == model.config.image_token_id).long()
        device = model.device
        moved = {k: v.to(device) if isinstance(v, torch.Tensor) else v for k, v in inputs.items()}
        with torch.no_grad():
            best = model(**moved).logits[:, 0].argmax(-1)
        said += [tok.decode([int(token)]) for token in best]
    return said


def measure(
    model: PreTrainedModel, processor: ProcessorMixin, gaps: tuple[Gap, ...], scenes: int, each: int = 28
) -> Measured:
    """Ask questions on `scenes` held-out compositions and compare the answers with the truth."""
    numbers, owners, examples = sample_examples(scenes, each, MEASURE_SEED, gaps, unseen=True)
    pixels = pictures(tile_table(processor), numbers[np.array(owners)])
    said = predictions(model, processor, [example.question for example in examples], pixels)
    tallies: dict[str, dict[str, list[bool]]] = {part: defaultdict(list) for part in ("skills", "outside", "gaps")}
    for example, answer in zip(examples, said, strict=True):
        right = answer == example.truth
        tallies["skills"][example.skill].append(right)
        gap = planted_gap(gaps, example)
        tallies["gaps" if gap else "outside"][gap or example.skill].append(right)
    names = (*SKILLS, *(gap.name for gap in gaps))
    tables = {
        part: {name: Accuracy(sum(tally[name]), len(tally[name])) for name in names if name in tally}
        for part, tally in tallies.items()
    }
    return Measured(**tables)
