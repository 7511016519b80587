"""Token batches for supervised training.

Causal families see a picture once and several questions on it in one row: each question attends to the picture and to
itself only and starts at the same position, so a row is exactly as good as that many rows, at 40% of their cost.
PaliGemma's picture attends to its question, so it gets one question a row.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image
from transformers import PreTrainedModel

from auditdm_hub.playground.build.grounding import CLASSES, Mention
from auditdm_hub.playground.draw import SIZE


@dataclass(frozen=True, slots=True)
class Pair:
    """Token ids of a prompt and of what follows it, the number of its skill, and what the prompt mentions."""

    prompt: Sequence[int]
    answer: Sequence[int]
    skill: int
    mentions: Sequence[Mention] = ()


@dataclass(frozen=True, slots=True)
class Layout:
    """Token ids around a question: `before` (image and all), `after`; and the tokenizer's pad and end."""

    before: tuple[int, ...]
    after: tuple[int, ...]
    pad: int
    end: int


@dataclass(frozen=True, slots=True)
class TextBatch:
    """Token ids with what a model needs beside them; `targets` holds -100 where nothing is to be learnt."""

    inputs: dict[str, torch.Tensor]
    targets: torch.Tensor  # (B, T) the token that each position is to predict
    skills: torch.Tensor  # (B, T) the number of the skill that it belongs to
    mentions: torch.Tensor  # (M, 2 + heads) row, position and classes of each noun phrase
    keep: int  # logits are needed of the last `keep` positions only; 0 = all

    def to(self, device: torch.device) -> "TextBatch":
        """Return the batch on another device."""
        inputs = {name: tensor.to(device) for name, tensor in self.inputs.items()}
        targets, skills, mentions = (each.to(device) for each in (self.targets, self.skills, self.mentions))
        return TextBatch(inputs, targets, skills, mentions, self.keep)


def layout(processor: Any) -> Layout:  # noqa: ANN401 - every family has its own signature
    """Find out, with the processor itself, which tokens stand around a question."""
    word = "background"
    picture = Image.new("RGB", (SIZE, SIZE))
    if processor.chat_template is None:
        ids = processor(images=[picture], text=[f"<image>{word}"])["input_ids"][0]
    else:
        content = [{"type": "image", "image": picture}, {"type": "text", "text": word}]
        ids = processor.apply_chat_template(
            [{"role": "user", "content": content}], add_generation_prompt=True, tokenize=True, return_dict=True
        )["input_ids"][0]
    held = [int(token) for token in ids]
    tok = processor.tokenizer
    place = held.index(tok.convert_tokens_to_ids(word))
    return Layout(tuple(held[:place]), tuple(held[place + 1 :]), tok.pad_token_id, tok.eos_token_id)


def single(around: Layout, pairs: Sequence[Pair]) -> TextBatch:
    """Return one left-padded row per pair, with PaliGemma's token types (0 = prefix, 1 = answer)."""
    rows = [[*around.before, *pair.prompt, *around.after] for pair in pairs]
    tails = [[*pair.answer, around.end] for pair in pairs]
    width, tail = max(map(len, rows)), max(map(len, tails))
    ids = np.full((len(rows), width + tail), around.pad, dtype=np.int64)
    mask, types = np.zeros_like(ids), np.zeros_like(ids)
    targets = np.full_like(ids, -100)
    skills = np.repeat([[pair.skill] for pair in pairs], ids.shape[1], axis=1)
    for k, (row, item) in enumerate(zip(rows, tails, strict=True)):
        ids[k, width - len(row) : width + len(item)] = [*row, *item]
        mask[k, width - len(row) : width + len(item)] = 1
        types[k, width:] = 1
        targets[k, width - 1 : width + len(item) - 1] = item
    inputs = {"input_ids": ids, "attention_mask": mask, "token_type_ids": types}
    tensors = {k: torch.as_tensor(v) for k, v in inputs.items()}
    found = [
        (k, width - len(rows[k]) + len(around.before) + place, *classes)
        for k, pair in enumerate(pairs)
        for place, classes in pair.mentions
    ]
    return TextBatch(tensors, torch.as_tensor(targets), torch.as_tensor(skills), _mentioned(found), tail + 1)


def packed(around: Layout, groups: Sequence[Sequence[Pair]], image_token: int) -> TextBatch:
    """Return one row per group of pairs on one picture, with a block mask and positions."""
    start = len(around.before)
    bodies = [[[*p.prompt, *around.after, *p.answer, around.end] for p in group] for group in groups]
    total = start + max(sum(map(len, row)) for row in bodies)
    ids = np.full((len(groups), total), around.pad, dtype=np.int64)
    targets = np.full_like(ids, -100)
    positions, skills = np.zeros_like(ids), np.zeros_like(ids)
    block = np.zeros_like(ids)  # 0 = picture, k = k-th question, -1 = padding
    ids[:, :start] = around.before
    positions[:, :start] = np.arange(start)
    block[:, start:] = -1
    found: list[tuple[int, ...]] = []
    for row, (group, parts) in enumerate(zip(groups, bodies, strict=True)):
        place = start
        for number, (pair, part) in enumerate(zip(group, parts, strict=True), start=1):
            end = place + len(part)
            ids[row, place:end] = part
            positions[row, place:end] = np.arange(start, start + len(part))
            block[row, place:end] = number
            first = end - len(pair.answer) - 1
            targets[row, first - 1 : end - 1] = ids[row, first:end]
            skills[row, first - 1 : end - 1] = pair.skill
            found += [(row, place + at, *classes) for at, classes in pair.mentions]
            place = end
    seen = np.tril(np.ones((total, total), dtype=bool))[None]
    seen = seen & ((block[:, None, :] == 0) | (block[:, None, :] == block[:, :, None]))
    soft = ids[:, :start] == image_token
    bidirectional = np.zeros_like(seen)
    bidirectional[:, :start, :start] = soft[:, :, None] & soft[:, None, :]
    inputs = {"input_ids": ids, "position_ids": positions, "seen": seen, "bidirectional": bidirectional}
    tensors = {k: torch.as_tensor(v) for k, v in inputs.items()}
    return TextBatch(tensors, torch.as_tensor(targets), torch.as_tensor(skills), _mentioned(found), 0)


def _mentioned(found: Sequence[tuple[int, ...]]) -> torch.Tensor:
    return torch.tensor(found, dtype=torch.long).reshape(-1, 2 + len(CLASSES))


def model_inputs(model: PreTrainedModel, batch: TextBatch, pixels: torch.Tensor) -> dict[str, object]:
    """Return the keyword arguments of `model.forward` for a batch; `pixels` has one picture per row."""
    kind = model.config.model_type
    inputs: dict[str, object] = {"pixel_values": pixels[:, None] if kind == "idefics3" else pixels, "use_cache": False}
    if "seen" not in batch.inputs:
        return {**inputs, **batch.inputs, "logits_to_keep": batch.keep}
    seen = batch.inputs["seen"]
    if kind in ("gemma3", "paligemma"):
        seen = seen | batch.inputs["bidirectional"]  # the tokens of an image see each other
    if kind == "gemma3":
        inputs["token_type_ids"] = (batch.inputs["input_ids"] == model.config.image_token_id).long()
    mask = torch.zeros(seen.shape, device=pixels.device).masked_fill(~seen, torch.finfo(torch.float32).min)[:, None]
    layered = kind in ("gemma3", "aya_vision")
    inputs["attention_mask"] = {"full_attention": mask, "sliding_attention": mask} if layered else mask
    return inputs | {k: batch.inputs[k] for k in ("input_ids", "position_ids")}
