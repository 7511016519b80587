"""What a model is taught when: batches of questions by stage, size of the scene and what is still wrong."""

import random

import numpy as np
import torch
from transformers import ProcessorMixin

from auditdm_hub.playground.build.auditor import KINDS, writings
from auditdm_hub.playground.build.batches import Pair, TextBatch, layout, packed, single
from auditdm_hub.playground.build.data import Ints, pictures, sample_examples, tile_numbers, tile_table
from auditdm_hub.playground.build.roster import Entry
from auditdm_hub.playground.draw import contents
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
SECOND_SCENES, SECOND_SEED = 15_000, 1000  # pictures of the second round; added to the seed of the data
CROWDED_SCENES = 0.2  # of the auditor's, beside those that are crowded by chance
LEAST = 0.02  # nats: what is mastered is still asked at times
MEMORY = 0.002  # weight of a token in the running loss of its skill
FIRST, ALL_AT, PACKED_UNTIL = 0.15, 0.3, 0.75


def _answer_groups(entry: Entry, processor: ProcessorMixin, second: bool) -> tuple[Ints, list[list[Lesson]]]:
    """Return tile numbers of scenes, and each scene's questions and answers as token ids."""
    scenes = SECOND_SCENES if second else entry.scenes
    seed = entry.data_seed + (SECOND_SEED if second else 0)
    numbers, owners, examples = sample_examples(scenes, entry.each, seed, entry.gaps, unseen=False, weak=second)
    known: dict[str, list[int]] = {}

    def encode(text: str) -> list[int]:
        if text not in known:
            known[text] = processor.tokenizer.encode(text, add_special_tokens=False)
        return known[text]

    groups: list[list[Lesson]] = [[] for _ in range(scenes)]
    for owner, example in zip(owners, examples, strict=True):
        skill = SKILLS.index(example.skill)
        pair = Pair(encode(example.question), encode(example.said), skill, example.mentions)
        groups[owner].append((stage_of(example.question), pair))
    return numbers, groups


def _writing_groups(entry: Entry, processor: ProcessorMixin) -> tuple[Ints, list[list[Lesson]]]:
    """Return tile numbers of scenes, and each scene's prompts and probes as token ids."""
    rng = random.Random(entry.data_seed)
    scenes = [
        sample_scene(rng, unseen=False, style="crowded" if rng.random() < CROWDED_SCENES else "")
        for _ in range(entry.scenes)
    ]

    def encode(text: str) -> list[int]:
        ids: list[int] = processor.tokenizer.encode(text, add_special_tokens=False)
        return ids

    groups = [
        [(0, Pair(encode(w.prompt), encode(w.text), KINDS.index(w.kind))) for w in writings(scene, rng, entry.each)]
        for scene in scenes
    ]
    return np.stack([tile_numbers(scene) for scene in scenes]), groups


def stage_of(question: str) -> int:
    """Return the stage in which a question is first taught."""
    parsed = parse_question(question)
    name = parsed[0].name if parsed else ""
    return next((stage for stage, names in enumerate(STAGES) if name in names), len(STAGES))


class Lessons:
    """Draws batches: small scenes first, all of them after `ALL_AT` of the steps; of what is wrong more often, more.

    PaliGemma starts with packed rows as well, in which its picture does not attend to the questions, and learns its own
    attention in the last part.
    """

    def __init__(
        self,
        entry: Entry,
        processor: ProcessorMixin,
        *,
        second: bool = False,
        staged: bool = True,
        writing: bool = False,
    ) -> None:
        """Draw the data: those of the first round, or of the second, which has no stages and more of what is weak.

        With `writing` they are an auditor's texts instead of questions and answers.
        """
        self.around, self.table = layout(processor), tile_table(processor)
        self.image_token = processor.tokenizer.image_token_id
        self.rows = entry.schedule.pictures
        self.pack = SINGLES if writing else PACK  # texts are longer
        until = 0.0 if second else PACKED_UNTIL
        self.packed_until = until if entry.family == "paligemma" else 1.0
        self.staged = staged and not second and not entry.start
        if writing:
            numbers, groups = _writing_groups(entry, processor)
        else:
            numbers, groups = _answer_groups(entry, processor, second)
        self.losses = np.ones(len(SKILLS))  # of each skill, in nats: a running mean
        filled = [row for row, group in enumerate(groups) if group]
        by_size = sorted(filled, key=lambda row: np.count_nonzero(numbers[row] % len(contents())))
        self.numbers, self.groups = numbers[by_size], [groups[row] for row in by_size]

    def __call__(self, order: np.random.Generator, progress: float) -> tuple[TextBatch, torch.Tensor]:
        """Return a batch and its pictures."""
        taught = progress if self.staged else 1.0
        ready = max(1, int(len(self.groups) * min(1.0, FIRST + taught / ALL_AT)))
        stage = sum(taught >= start for start in STAGE_STARTS)
        together = progress < self.packed_until
        rows = order.integers(0, ready, self.rows)
        chosen = []
        for row in rows:
            known = [pair for needed, pair in self.groups[row] if needed <= stage] or [self.groups[row][0][1]]
            wish = np.log(self.losses[[pair.skill for pair in known]] + LEAST) + order.gumbel(size=len(known))
            chosen.append([known[k] for k in np.argsort(-wish)[: self.pack if together else SINGLES]])
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


class Alternating:
    """Batches of an auditor's texts, and as many of questions and answers, so that it keeps what it started with."""

    def __init__(self, entry: Entry, processor: ProcessorMixin) -> None:
        """Draw the data of both."""
        self.parts = (Lessons(entry, processor, writing=True), Lessons(entry, processor, second=True))
        self.numbers = self.parts[0].numbers
        self._latest = 0

    def __call__(self, order: np.random.Generator, progress: float) -> tuple[TextBatch, torch.Tensor]:
        """Return a batch of either, and its pictures."""
        self._latest = int(order.integers(2))
        return self.parts[self._latest](order, progress)

    def learn(self, skills: torch.Tensor, losses: torch.Tensor) -> None:
        """Take note of the loss of each token of the latest batch."""
        self.parts[self._latest].learn(skills, losses)

    def state(self) -> list[float]:
        """Return the running losses of both."""
        return [loss for part in self.parts for loss in part.state()]

    def restore(self, state: list[float]) -> None:
        """Take over the running losses of both."""
        half = len(state) // 2
        self.parts[0].restore(state[:half])
        self.parts[1].restore(state[half:])
