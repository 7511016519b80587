"""Supervised training of the playground's models: cross-entropy on the answer, AdamW, cosine schedule."""

import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional
from transformers import PreTrainedModel

from auditdm_hub.playground.build.batches import TextBatch, model_inputs

WARMUP = 200
FLOOR = 0.02
REPORT_EVERY = 250
SAVE_EVERY = 1000


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long and how fast: optimiser steps, pictures a step, peak learning rate, seed of the data order."""

    steps: int
    pictures: int
    learning_rate: float
    seed: int


Sampler = Callable[[np.random.Generator, float], tuple[TextBatch, torch.Tensor]]


def batch_loss(model: PreTrainedModel, batch: TextBatch, pixels: torch.Tensor) -> torch.Tensor:
    """Return the mean cross-entropy of the answer tokens, in nats."""
    logits = model(**model_inputs(model, batch, pixels)).logits  # (B, T or keep, V)
    targets = batch.targets[:, -logits.shape[1] :]
    learnt = targets != -100
    return functional.cross_entropy(logits[learnt], targets[learnt])


def rate_share(schedule: Schedule, step: int) -> float:
    """Return the share of the peak rate at a step: linear warm-up, then cosine decay to `FLOOR`."""
    if step < WARMUP:
        return (step + 1) / WARMUP
    progress = (step - WARMUP) / max(1, schedule.steps - WARMUP)
    return FLOOR + (1 - FLOOR) * (1 + math.cos(math.pi * progress)) / 2


def fit(
    model: PreTrainedModel, sampler: Sampler, schedule: Schedule, saved: Path, report: Callable[[int, str], None]
) -> None:
    """Train in place; `report` gets the step and a line every 250 steps.

    The state is kept in the file `saved` every 1,000 steps: a build that was interrupted goes on from there.
    """
    device = next(model.parameters()).device
    order = np.random.default_rng(schedule.seed)
    optimiser = torch.optim.AdamW(
        model.parameters(), lr=schedule.learning_rate, betas=(0.9, 0.98), weight_decay=0.01, foreach=True
    )
    begin = _load(saved, model, optimiser, order)
    model.train()
    start, mean = time.monotonic(), math.nan
    for step in range(begin, schedule.steps):
        for group in optimiser.param_groups:
            group["lr"] = schedule.learning_rate * rate_share(schedule, step)
        batch, pixels = sampler(order, step / schedule.steps)
        moved = TextBatch({k: v.to(device) for k, v in batch.inputs.items()}, batch.targets.to(device), batch.keep)
        loss = batch_loss(model, moved, pixels.to(device))
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        value = float(loss.detach())
        mean = value if math.isnan(mean) else 0.98 * mean + 0.02 * value
        if (step + 1) % REPORT_EVERY == 0:
            rate = (step + 1 - begin) / (time.monotonic() - start)
            report(step + 1, f"step {step + 1}/{schedule.steps} loss {mean:.4f} {rate:.2f} steps/s")
        if (step + 1) % SAVE_EVERY == 0:
            _save(saved, model, optimiser, order, step + 1)
    model.eval()


def _save(
    path: Path, model: PreTrainedModel, optimiser: torch.optim.Optimizer, order: np.random.Generator, step: int
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    state = {"model": model.state_dict(), "optimiser": optimiser.state_dict(), "step": step,
             "order": json.dumps(order.bit_generator.state)}  # fmt: skip
    torch.save(state, path.with_suffix(".tmp"))
    path.with_suffix(".tmp").replace(path)


def _load(path: Path, model: PreTrainedModel, optimiser: torch.optim.Optimizer, order: np.random.Generator) -> int:
    """Restore what `_save` kept, if anything, and return the number of steps that were done."""
    if not path.exists():
        return 0
    state = torch.load(path, map_location=model.device, weights_only=True)
    model.load_state_dict(state["model"])
    optimiser.load_state_dict(state["optimiser"])
    order.bit_generator.state = json.loads(state["order"])
    return int(state["step"])
