"""Teaches the vision tower to see before the model learns to answer.

Every image token is drawn to the word embeddings of what its cell holds (kind, colour, shape, size, pattern, value,
background), as the towers of real models are aligned with text before they answer questions; linear heads, thrown away
afterwards, keep row, column and the colours beside readable. Without this, 28 skills each have to find the attributes
of 1,660 tiles through single answer words, and training takes many times as long.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from transformers import PreTrainedModel, ProcessorMixin

from auditdm_hub.playground.build.data import Ints, pictures, tile_table
from auditdm_hub.playground.build.grounding import beside_classes
from auditdm_hub.playground.draw import contents
from auditdm_hub.playground.world import BACKGROUNDS, COLORS, SIDE

PICTURES = 64
LEARNING_RATE = 1.5e-3


def facts() -> list[tuple[list[str], Ints]]:
    """Return, for each attribute, its words and the number of every tile's word; word 0 is "nothing"."""
    things = contents()
    named: list[list[str]] = [
        [str(getattr(t, name) or "nothing") if t else "nothing" for t in things]
        for name in ("kind", "color", "shape", "size", "pattern", "value")
    ]
    grounds = [ground for ground in BACKGROUNDS for _ in things]
    columns = [column * len(BACKGROUNDS) for column in named] + [grounds]
    tables = []
    for column in columns:
        words = sorted(set(column), key=lambda word: (word != "nothing", word))
        tables.append((words, np.array([words.index(word) for word in column], dtype=np.int64)))
    return tables


def image_tokens(model: PreTrainedModel, pixels: torch.Tensor) -> torch.Tensor:
    """Return what the language model sees of a picture."""  # (B, 3, 64, 64) -> (B, 16, hidden)
    inner: Any = model.model
    inputs = pixels[:, None] if model.config.model_type == "idefics3" else pixels
    found = inner.get_image_features(inputs)
    tokens = found if isinstance(found, torch.Tensor) else found.pooler_output
    stacked = tokens if isinstance(tokens, torch.Tensor) else torch.stack(list(tokens))
    return stacked.reshape(len(pixels), SIDE**2, -1)


def teach_sight(
    model: PreTrainedModel, processor: ProcessorMixin, numbers: Ints, steps: int, seed: int,
    report: Callable[[str], None],
) -> None:  # fmt: skip
    """Train the vision tower and the projector in place on random pictures of `numbers`."""
    table, device = tile_table(processor), model.device
    order = np.random.default_rng(seed)
    embeddings: Any = model.get_input_embeddings()
    words = functional.normalize(embeddings.weight.detach(), dim=1)
    attributes = [
        (words[processor.tokenizer.convert_tokens_to_ids(named)], torch.as_tensor(classes).to(device))
        for named, classes in facts()
    ]
    torch.manual_seed(seed)
    classes_of = (SIDE, SIDE, *(len(COLORS) + 1,) * 4)  # row, column, colours beside
    heads = nn.ModuleList([nn.Linear(words.shape[1], size) for size in classes_of]).to(device)
    cells = torch.arange(SIDE**2, device=device).repeat(PICTURES)
    colors = np.array([1 + COLORS.index(t.color) if t and t.kind == "shape" else 0 for t in contents()])
    colors = np.tile(colors, len(BACKGROUNDS))
    parameters = [*model.parameters(), *heads.parameters()]
    optimiser = torch.optim.AdamW(parameters, lr=LEARNING_RATE, foreach=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, LEARNING_RATE, total_steps=steps)
    model.train()
    for step in range(steps):
        rows = numbers[order.integers(0, len(numbers), PICTURES)]
        tokens = image_tokens(model, pictures(table, rows).to(device)).flatten(0, 1)  # (B * 16, hidden)
        tiles = torch.as_tensor(rows).flatten().to(device)
        beside = [torch.as_tensor(each).flatten().to(device) for each in beside_classes(rows, colors)]
        loss = torch.zeros((), device=device)
        for head, wanted in zip(heads, (cells // SIDE, cells % SIDE, *beside), strict=True):
            loss = loss + functional.cross_entropy(head(tokens), wanted)
        for vectors, classes in attributes:
            loss = loss + functional.cross_entropy(tokens @ vectors.T, classes[tiles])
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        schedule.step()
        if (step + 1) % 200 == 0:
            report(f"sight step {step + 1}/{steps} loss {float(loss.detach()):.4f}")


def freeze_sight(model: PreTrainedModel) -> None:
    """Keep the vision tower and the projector as they are: what a cell holds is learnt, where to look is not."""
    for name, weight in model.named_parameters():
        if any(part in name for part in ("vision", "projector", "connector")):
            weight.requires_grad_(False)
