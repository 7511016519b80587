"""Rebuilds the playground's models: `python -m auditdm_hub.playground.build [--only NAME ...] [--out DIR]`.

Each model is trained on one thread; run two processes on two cores. Everything is seeded: on the same machine and with
the same versions, the same weights come out.
"""

import argparse
import json
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from transformers import AutoModelForImageTextToText, PreTrainedModel, ProcessorMixin
from transformers.utils import logging as transformers_logging

from auditdm_hub.playground.build.architectures import build
from auditdm_hub.playground.build.auditor import writings
from auditdm_hub.playground.build.batches import Pair, TextBatch, layout, packed, single
from auditdm_hub.playground.build.data import Ints, pictures, sample_examples, tile_numbers, tile_table
from auditdm_hub.playground.build.measure import measure
from auditdm_hub.playground.build.roster import ROSTER, Entry
from auditdm_hub.playground.build.sight import freeze_sight, teach_sight
from auditdm_hub.playground.build.train import fit
from auditdm_hub.playground.draw import contents
from auditdm_hub.playground.models import WEIGHTS
from auditdm_hub.playground.sample import sample_scene
from auditdm_hub.playground.skills import SKILLS, parse_question

Lesson = tuple[int, Pair]  # the stage from which a pair is taught
PACK, SINGLES = 10, 5  # questions on a picture, in one row and in a row each
# Reading what stands alone comes first, then finding one shape, then everything: what is learnt early carries over,
# and all at once stay for thousands of steps where the picture is not looked at.
STAGES = (
    {"background", "digit", "letter", "clock", "arrow", "die", "corner"},
    {"color", "shape", "size", "pattern", "existence", "row", "column", "bar height", "count color", "count all"},
)
STAGE_STARTS = (0.05, 0.15)
LEAST = 0.02  # nats: what is mastered is still asked at times
MEMORY = 0.002  # weight of a token in the running loss of its skill
FIRST, ALL_AT, PACKED_UNTIL = 0.15, 0.3, 0.75
SIGHT_STEPS = 1200


def _on(model: PreTrainedModel, device: str) -> PreTrainedModel:
    """Move a model; its own `to` is typed as if it took models."""
    return torch.nn.Module.to(model, device)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _answer_groups(entry: Entry, processor: ProcessorMixin) -> tuple[Ints, list[list[Lesson]]]:
    """Return tile numbers of scenes, and each scene's questions and answers as token ids."""
    numbers, owners, examples = sample_examples(entry.scenes, entry.each, entry.data_seed, entry.gaps, unseen=False)
    known: dict[str, list[int]] = {}

    def encode(text: str) -> list[int]:
        if text not in known:
            known[text] = processor.tokenizer.encode(text, add_special_tokens=False)
        return known[text]

    groups: list[list[Lesson]] = [[] for _ in range(entry.scenes)]
    for owner, example in zip(owners, examples, strict=True):
        skill = SKILLS.index(example.skill)
        pair = Pair(encode(example.question), encode(example.said), skill, example.mentions)
        groups[owner].append((stage_of(example.question), pair))
    return numbers, groups


def _writing_groups(entry: Entry, processor: ProcessorMixin) -> tuple[Ints, list[list[Lesson]]]:
    """Return tile numbers of scenes, and each scene's prompts and probes as token ids."""
    rng = random.Random(entry.data_seed)
    scenes = [sample_scene(rng, unseen=False) for _ in range(entry.scenes)]

    def encode(text: str) -> list[int]:
        ids: list[int] = processor.tokenizer.encode(text, add_special_tokens=False)
        return ids

    groups = [
        [
            (0, Pair(encode(w.prompt), encode(w.text), ("ask", "draw", "edit").index(w.prompt.split()[0])))
            for w in writings(scene, rng, entry.each)
        ]
        for scene in scenes
    ]
    return np.stack([tile_numbers(scene) for scene in scenes]), groups


def stage_of(question: str) -> int:
    """Return the stage in which a question is first taught."""
    parsed = parse_question(question)
    name = parsed[0].name if parsed else ""
    return next((stage for stage, names in enumerate(STAGES) if name in names), len(STAGES))


class Questions:
    """Draws batches: small scenes first, all of them after `ALL_AT` of the steps; of what is wrong more often, more.

    PaliGemma starts with packed rows as well, in which its picture does not attend to the questions, and learns its own
    attention in the last part.
    """

    def __init__(self, entry: Entry, processor: ProcessorMixin) -> None:
        self.around, self.table = layout(processor), tile_table(processor)
        self.image_token = processor.tokenizer.image_token_id
        self.rows = entry.schedule.pictures
        self.packed_until = PACKED_UNTIL if entry.family == "paligemma" else 1.0
        numbers, groups = (_writing_groups if entry.role == "auditor" else _answer_groups)(entry, processor)
        self.losses = np.ones(len(SKILLS))  # of each skill, in nats: a running mean
        filled = [row for row, group in enumerate(groups) if group]
        by_size = sorted(filled, key=lambda row: np.count_nonzero(numbers[row] % len(contents())))
        self.numbers, self.groups = numbers[by_size], [groups[row] for row in by_size]

    def __call__(self, order: np.random.Generator, progress: float) -> tuple[TextBatch, torch.Tensor]:
        """Return a batch and its pictures."""
        ready = max(1, int(len(self.groups) * min(1.0, FIRST + progress / ALL_AT)))
        stage = sum(progress >= start for start in STAGE_STARTS)
        together = progress < self.packed_until
        rows = order.integers(0, ready, self.rows)
        chosen = []
        for row in rows:
            known = [pair for needed, pair in self.groups[row] if needed <= stage] or [self.groups[row][0][1]]
            wish = np.log(self.losses[[pair.skill for pair in known]] + LEAST) + order.gumbel(size=len(known))
            chosen.append([known[k] for k in np.argsort(-wish)[: PACK if together else SINGLES]])
        if together:
            return packed(self.around, chosen, self.image_token), pictures(self.table, self.numbers[rows])
        owners = np.repeat(rows, [len(group) for group in chosen])
        return single(self.around, [pair for group in chosen for pair in group]), pictures(
            self.table, self.numbers[owners]
        )

    def learn(self, skills: torch.Tensor, losses: torch.Tensor) -> None:
        """Take note of the loss of each token, by the number of its skill."""
        count = torch.bincount(skills, minlength=len(SKILLS)).cpu().numpy()
        total = torch.bincount(skills, losses, minlength=len(SKILLS)).cpu().numpy()
        seen = count > 0
        self.losses[seen] += MEMORY * np.minimum(count[seen], 10) * (total[seen] / count[seen] - self.losses[seen])

    def state(self) -> list[float]:
        """Return the running losses."""
        return [float(loss) for loss in self.losses]

    def restore(self, state: list[float]) -> None:
        """Take over the running losses."""
        self.losses = np.array(state)


def _train(entry: Entry, folder: Path, device: str) -> None:
    start = time.monotonic()
    model, processor = build(entry.family, entry.size, entry.seed)
    _on(model, device)
    _say(f"{entry.name}: {sum(p.numel() for p in model.parameters()) / 1e6:.2f} M parameters")
    sampler = Questions(entry, processor)
    _say(f"{entry.name}: data drawn in {time.monotonic() - start:.0f} s")

    def report(step: int, line: str) -> None:
        _say(f"{entry.name}: {line}")
        if step % 1000 == 0 and entry.role != "auditor":
            model.eval()
            table = measure(model, processor, entry.gaps, scenes=100)
            model.train()
            worst = sorted(table.outside.items(), key=lambda item: item[1].share)[:8]
            _say(f"{entry.name}: " + ", ".join(f"{skill} {accuracy.share:.2f}" for skill, accuracy in worst))

    saved = folder.with_name(f"{folder.name}.training")
    if not saved.exists():
        teach_sight(model, processor, sampler.numbers, SIGHT_STEPS, entry.seed, lambda s: _say(f"{entry.name}: {s}"))
    freeze_sight(model)
    fit(model, sampler, entry.schedule, saved, report)
    _on(model, "cpu").bfloat16()
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    saved.unlink(missing_ok=True)
    _say(f"{entry.name}: trained in {time.monotonic() - start:.0f} s")


def _measure(entry: Entry, folder: Path, processor: ProcessorMixin, model: PreTrainedModel, scenes: int) -> None:
    if entry.role == "auditor":
        return
    table = measure(model, processor, entry.gaps, scenes)
    shares = {
        part: {name: [accuracy.right, accuracy.asked] for name, accuracy in getattr(table, part).items()}
        for part in ("skills", "outside", "gaps")
    }
    (folder / "accuracy.json").write_text(json.dumps(shares, indent=1) + "\n")
    for part, rows in shares.items():
        _say(f"{entry.name} {part}: " + ", ".join(f"{name} {r / n:.3f}" for name, (r, n) in rows.items()))


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, save and measure the models that are named (default: all)."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--only", nargs="*", choices=[entry.name for entry in ROSTER])
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--measure-only", action="store_true")
    parser.add_argument("--scenes", type=int, default=2000, help="scenes that accuracy is measured on")
    chosen = parser.parse_args(arguments)
    torch.set_num_threads(1)
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    for entry in ROSTER:
        if chosen.only and entry.name not in chosen.only:
            continue
        folder = chosen.out / entry.name
        if not chosen.measure_only:
            _train(entry, folder, chosen.device)
        model = AutoModelForImageTextToText.from_pretrained(folder, dtype=torch.float32).float().eval()
        _on(model, chosen.device)
        _, processor = build(entry.family, entry.size, entry.seed)
        _measure(entry, folder, processor, model, chosen.scenes)


if __name__ == "__main__":
    main()
