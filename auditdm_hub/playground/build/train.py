"""Supervised training of the playground's models: cross-entropy on the answer, AdamW, cosine schedule."""

import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from transformers import PreTrainedModel

from auditdm_hub.playground.build.batches import TextBatch, model_inputs
from auditdm_hub.playground.build.grounding import LAYER, Heads
from auditdm_hub.playground.build.muon import Muon

WARMUP = 200
FLOOR = 0.02
REPORT_EVERY = 250
SAVE_EVERY = 1000
GROUNDING = 0.5  # weight of the loss of the mentions


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long and how fast: optimiser steps, pictures a step, peak learning rate, seed of the data order."""

    steps: int
    pictures: int
    learning_rate: float
    seed: int


class Sampler(Protocol):
    """Draws batches, and learns from the losses what to draw more of."""

    def __call__(self, order: np.random.Generator, progress: float) -> tuple[TextBatch, torch.Tensor]:
        """Return a batch and its pictures at `progress` (0 to 1) of the training."""
        ...

    def learn(self, skills: torch.Tensor, losses: torch.Tensor) -> None:
        """Take note of the loss of each token, by the number of its skill."""
        ...

    def state(self) -> list[float]:
        """Return what the next batches depend on."""
        ...

    def restore(self, state: list[float]) -> None:
        """Take over a state that `state` gave."""
        ...


def losses(
    model: PreTrainedModel, heads: Heads, batch: TextBatch, pixels: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return the loss of each answer token, the number of its skill, and that of the mentions, in nats."""
    outputs = model(**model_inputs(model, batch, pixels), output_hidden_states=True)
    logits = outputs.logits  # (B, T or keep, V)
    targets, skills = (each[:, -logits.shape[1] :] for each in (batch.targets, batch.skills))
    learnt = targets != -100
    answers = functional.cross_entropy(logits[learnt], targets[learnt], reduction="none")  # (N,)
    return answers, skills[learnt], heads(outputs.hidden_states[LAYER], batch.mentions)


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
    torch.manual_seed(schedule.seed)
    heads = Heads(model.config.get_text_config().hidden_size).to(device)
    both = nn.ModuleList([model, heads])
    optimisers = make_optimisers(both, schedule.learning_rate)
    begin = _load(saved, both, optimisers, order, sampler)
    model.train()
    start, mean = time.monotonic(), np.zeros(2)
    for step in range(begin, schedule.steps):
        for optimiser in optimisers:
            for group in optimiser.param_groups:
                group["lr"] = schedule.learning_rate * rate_share(schedule, step)
        batch, pixels = sampler(order, step / schedule.steps)
        answers, skills, mentioned = losses(model, heads, batch.to(device), pixels.to(device))
        sampler.learn(skills, answers.detach())
        loss = answers.mean()
        both.zero_grad()
        (loss + GROUNDING * mentioned).backward()
        nn.utils.clip_grad_norm_(both.parameters(), 1.0)
        for optimiser in optimisers:
            optimiser.step()
        now = np.array([float(loss.detach()), float(mentioned.detach())])
        mean = now if step == begin else 0.98 * mean + 0.02 * now
        if (step + 1) % REPORT_EVERY == 0:
            rate = (step + 1 - begin) / (time.monotonic() - start)
            report(
                step + 1,
                f"step {step + 1}/{schedule.steps} loss {mean[0]:.4f} mentions {mean[1]:.4f} {rate:.2f} steps/s",
            )
        if (step + 1) % SAVE_EVERY == 0:
            _save(saved, both, optimisers, order, sampler, step + 1)
    model.eval()


def make_optimisers(model: nn.Module, learning_rate: float) -> list[torch.optim.Optimizer]:
    """Return Muon for the matrices inside the model and AdamW for embeddings, norms and biases."""
    matrices: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    for name, weight in model.named_parameters():
        inner = weight.ndim == 2 and not any(part in name for part in ("embed", "lm_head", "read"))
        if weight.requires_grad:
            (matrices if inner else others).append(weight)
    return [
        Muon(matrices, learning_rate),
        torch.optim.AdamW(others, lr=learning_rate, betas=(0.9, 0.98), weight_decay=0.01, foreach=True),
    ]


def _save(
    path: Path,
    model: nn.Module,
    optimisers: list[torch.optim.Optimizer],
    order: np.random.Generator,
    sampler: Sampler,
    step: int,
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    state = {
        "model": model.state_dict(),
        "optimisers": [optimiser.state_dict() for optimiser in optimisers],
        "order": json.dumps(order.bit_generator.state),
        "sampler": sampler.state(),
        "step": step,
    }
    torch.save(state, path.with_suffix(".tmp"))
    path.with_suffix(".tmp").replace(path)


def _load(
    path: Path,
    model: nn.Module,
    optimisers: list[torch.optim.Optimizer],
    order: np.random.Generator,
    sampler: Sampler,
) -> int:
    """Restore what `_save` kept, if anything, and return the number of steps that were done."""
    if not path.exists():
        return 0
    state = torch.load(path, weights_only=True)
    model.load_state_dict(state["model"])
    for optimiser, kept in zip(optimisers, state["optimisers"], strict=True):
        optimiser.load_state_dict(kept)
    order.bit_generator.state = json.loads(state["order"])
    sampler.restore(state["sampler"])
    return int(state["step"])
