"""What the auditor is trained on when: rounds, each planned from what the rounds before it found.

Two in five rows of a round explore: of many questions that the untrained auditor would ask and can answer itself, it
is asked for those whose kind and answer were seen least. The rest ask for the themes that curation has found so far,
shared out by a bandit: a theme's weight is sqrt(p (1 - p)) + 0.1 with p the success of what was asked for it, because
that is how much a group of GRPO can teach. For the question action, images are chosen that the auditor does not pass
on; for captions and edits, seeds whose question is of the theme: the new image is made to admit it.

Rows are planned when the first of a round is read. TRL reads one step ahead, so a round knows the trials up to two
steps before its own; they lie in a table beside the checkpoints, and a training that is resumed plans the same.
"""

import math
import os
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from auditdm_hub.auditing.auditors import Arm, own_answers
from auditdm_hub.auditing.exchanges import SCHEMA, from_row, to_row
from auditdm_hub.auditing.normalise import normalise
from auditdm_hub.auditing.novelty import WORD, frame, kind_of
from auditdm_hub.auditing.probe import Draft, ImageTools, build_probes, write
from auditdm_hub.auditing.themes import Propose, Sees, Theme, sees_nothing, theme_of
from auditdm_hub.records import UNANSWERABLE, Action, Judged, Seed
from auditdm_hub.tables import read_rows, write_table

EXPLORED = 0.4
CANDIDATES = 4  # images that are looked at for each row of a theme's question
SCOUTED = 8  # questions that are rehearsed for each that explores
LAG = 1
Progress = Callable[[int, int], None]
Stratum = tuple[str, str, str]
"""Frame of a question, "answer" or "word", and which."""


@dataclass(frozen=True, slots=True)
class Row:
    """One prompt of the training: an image, what to write, and the wish ("" = none)."""

    seed: Seed
    action: Action
    theme: str = ""
    wish: str = ""


Rehearse = Callable[[Sequence[Row]], Sequence[tuple[str, str | None]]]
"""What the auditor would ask for each row, and what it answers to that itself (None = nothing)."""


def free_rows(seeds: Sequence[Seed], actions: Sequence[Action], count: int, seed: int) -> list[Row]:
    """Return `count` rows without a wish: all usable (seed, action) pairs, shuffled anew for each epoch.

    Raises:
        ValueError: no pair is usable: captions and edits need a question beside the image.
    """
    pairs = [Row(one, action) for one in seeds for action in actions if action == "question" or one.question]
    if not pairs:
        raise ValueError(f"nothing to train on: {len(seeds)} images, actions {', '.join(actions)}, no questions")
    rows: list[Row] = []
    epoch = 0
    while len(rows) < count:
        shuffled = list(pairs)
        random.Random(f"{seed} {epoch}").shuffle(shuffled)
        rows += shuffled
        epoch += 1
    return rows[:count]


def rehearse(arm: Arm, rows: Sequence[Row], tools: ImageTools) -> list[tuple[str, str | None]]:
    """Return what an auditor asks for each row, which is to be a question, and what it answers to that itself."""
    drafts = [Draft(row.seed, row.action, place, "", row.theme, row.wish) for place, row in enumerate(rows)]
    probes = build_probes(write(arm.auditor, drafts, tools), arm.name, tools)
    return list(zip([probe.question for probe in probes], own_answers(arm, probes, tools), strict=True))


@dataclass(frozen=True, slots=True)
class Schedule:
    """Steps of the training, prompts of a step over all processes, and the seed of every draw."""

    steps: int
    rows_per_step: int
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Rounds:
    """How themes come in: `number` of rounds, what proposes, the folder of the trials, and what chooses images.

    `sees` says what a seed's question is answered before an edit.
    """

    number: int
    propose: Propose
    folder: Path
    rehearse: Rehearse | None = None
    sees: Sees = sees_nothing


class Curriculum:
    """The rows of one training."""

    def __init__(
        self, seeds: Sequence[Seed], actions: Sequence[Action], schedule: Schedule, rounds: Rounds | None = None
    ) -> None:
        """Plan a training on images; without `rounds` there are no themes."""
        self._seeds, self._actions, self._schedule, self._rounds = seeds, actions, schedule, rounds
        self._round_steps = math.ceil(schedule.steps / (rounds.number if rounds else 1))
        self._free = free_rows(seeds, actions, schedule.steps * schedule.rows_per_step, schedule.seed)
        self._planned: dict[int, list[Row]] = {}
        self.themes: Sequence[Theme] = ()

    def __len__(self) -> int:
        return len(self._free)

    def row(self, index: int) -> Row:
        """Return a row; a round is planned when its first row is read."""
        number, place = divmod(index, self._round_steps * self._schedule.rows_per_step)
        if number not in self._planned:
            self._planned = {number: self._plan(number)}
        return self._planned[number][place]

    def record(self, step: int, judged: Sequence[Judged]) -> None:
        """Keep the trials of a step (counted from 0)."""
        if self._rounds is not None:
            file = self._rounds.folder / f"{step:06d}-{os.environ.get('RANK', '0')}.parquet"
            write_table(file, [to_row(row) for row in judged], SCHEMA)

    def trials(self, steps: int | None = None) -> list[Judged]:
        """Return the trials of the first `steps` steps, or of all."""
        return read_steps(self._rounds.folder, steps) if self._rounds else []

    def kind(self, judged: Judged) -> str:
        """Return what novelty counts as one kind: the theme that a trial is of, else the frame of its sentences."""
        return theme_of(self.themes, judged) or kind_of(judged)

    def on_theme(self, name: str, judged: Judged) -> bool:
        """Whether a trial is of the theme that it was asked for; one that is known no more is met by anything."""
        theme = next((theme for theme in self.themes if theme.name == name), None)
        return theme is None or theme.matches(judged.probe.question, judged.verdict.consensus)

    def _plan(self, number: int) -> list[Row]:
        count = self._round_steps * self._schedule.rows_per_step
        free = self._free[number * count : (number + 1) * count]
        if self._rounds is None:
            return free
        trials = self.trials(number * self._round_steps - LAG) if number else []
        self.themes = self._rounds.propose(trials) if number else ()
        rng = random.Random(f"{self._schedule.seed} round {number}")
        wanted = len(free) - math.ceil(EXPLORED * len(free))
        themed = self._themed(wanted, shares(self.themes, trials), rng) if self.themes else []
        rows = [*themed, *self._explored(free[: len(free) - len(themed)], trials, rng)]
        rng.shuffle(rows)
        return rows

    def _explored(self, rows: Sequence[Row], trials: Sequence[Judged], rng: random.Random) -> list[Row]:
        """Return as many rows that explore what was asked least, if the untrained auditor can look at images.

        Half of them are questions that it would ask itself, the others edits for seeds with a question: among these are
        kinds that it asks badly. A caption makes another picture, for which the seed's question is seldom one.
        """
        if self._rounds is None or self._rounds.rehearse is None:
            return curious(rows, trials, rng)
        asked = _asked(trials)
        found: list[Row] = []
        if "question" in self._actions:
            tried = [Row(rng.choice(self._seeds), "question") for _ in range(SCOUTED * math.ceil(len(rows) / 2))]
            own = zip(tried, self._rounds.rehearse(tried), strict=True)
            scouted = [
                (_wishing(row, question, answer or ""), question, answer or "") for row, (question, answer) in own
            ]
            found += least_asked(scouted, math.ceil(len(rows) / 2), asked)
        if "edit" in self._actions:
            shuffled = rng.sample(self._seeds, len(self._seeds))
            known = [(Row(seed, "edit"), seed.question, self._rounds.sees(seed)) for seed in shuffled if seed.question]
            found += least_asked(known, len(rows) - len(found), asked)
        return [*found, *curious(rows[len(found) :], trials, rng)]

    def _themed(self, count: int, weights: Sequence[float], rng: random.Random) -> list[Row]:
        """Return at most `count` rows with wishes: every action equally often, themes by their weights."""
        rows: list[Row] = []
        for place, action in enumerate(self._actions):
            wanted = count * (place + 1) // len(self._actions) - count * place // len(self._actions)
            if action == "question":
                rows += self._questions(rng.choices(self.themes, weights, k=wanted), rng)
            else:
                rows += self._changes(action, wanted, weights, rng)
        return rows

    def _questions(self, themes: Sequence[Theme], rng: random.Random) -> list[Row]:
        rehearsal = self._rounds.rehearse if self._rounds else None
        tried = [
            (theme, Row(rng.choice(self._seeds), "question", theme.name, theme.wish(rng)))
            for theme in themes
            for _ in range(CANDIDATES if rehearsal else 1)
        ]
        rows_tried = [row for _, row in tried]
        admitted = [True] * len(tried)
        if rehearsal:
            own = zip(tried, rehearsal(rows_tried), strict=True)
            admitted = [theme.admits(question, answer) for (theme, _), (question, answer) in own]
        wanted, rows = Counter(theme.name for theme in themes), []
        for row, ok in zip(rows_tried, admitted, strict=True):
            if ok and wanted[row.theme]:
                wanted[row.theme] -= 1
                rows.append(row)
        return rows

    def _changes(self, action: Action, wanted: int, weights: Sequence[float], rng: random.Random) -> list[Row]:
        sees = self._rounds.sees if self._rounds else sees_nothing
        fitting = [[seed for seed in self._seeds if theme.change(rng, seed, action, sees)] for theme in self.themes]
        usable = [weight if seeds else 0.0 for weight, seeds in zip(weights, fitting, strict=True)]
        if not sum(usable):
            return []
        rows = []
        for k in rng.choices(range(len(self.themes)), usable, k=wanted):
            theme, seed = self.themes[k], rng.choice(fitting[k])
            rows.append(Row(seed, action, theme.name, theme.change(rng, seed, action, sees)))
        return rows


def least_asked(offers: Sequence[tuple[Row, str, str]], count: int, asked: Counter[Stratum]) -> list[Row]:
    """Return up to `count` of the rows: those that hold what was asked least, of which `asked` takes note.

    That is a question's frame together with its answer, or with one of its other words. Each offer is (row, question,
    what the auditor answers to that itself); one that it cannot answer is left out.
    """
    known = [(row, _strata(question, normalise(answer))) for row, question, answer in offers
             if normalise(answer) not in ("", UNANSWERABLE)]  # fmt: skip
    chosen: list[Row] = []
    while known and len(chosen) < count:
        place = min(range(len(known)), key=lambda place: (min(asked[each] for each in known[place][1]), place))
        row, strata = known.pop(place)
        asked.update(strata)
        chosen.append(row)
    return chosen


def _wishing(row: Row, question: str, answer: str) -> Row:
    return replace(row, wish=f"{' '.join(WORD.findall(question.lower()))} answer {normalise(answer)}")


def _asked(trials: Sequence[Judged]) -> Counter[Stratum]:
    agreed = (trial for trial in trials if trial.verdict.consensus and trial.verdict.outcome != "invalid")
    return Counter(
        each for trial in agreed for each in _strata(trial.probe.question, normalise(trial.verdict.consensus))
    )


def _strata(question: str, answer: str) -> list[Stratum]:
    """Return what a question is an instance of: its frame with the answer, and with each word of content."""
    like = frame(question)
    content = sorted({word for word in WORD.findall(question.lower()) if frame(word) == "_"})
    return [(like, "answer", answer), *((like, "word", word) for word in content)]


def curious(rows: Sequence[Row], trials: Sequence[Judged], rng: random.Random) -> list[Row]:
    """Return the rows, every second caption or edit with a wish for what was asked seldom so far.

    That is an answer to the seed's question on which the references agreed for the same frame; one that was asked n
    times weighs 1 / n.
    """
    agreed = [trial for trial in trials if trial.verdict.consensus and trial.verdict.outcome != "invalid"]
    pairs = Counter((frame(trial.probe.question), normalise(trial.verdict.consensus)) for trial in agreed)
    answers: dict[str, list[tuple[str, int]]] = {}
    for (like, answer), count in sorted(pairs.items()):
        answers.setdefault(like, []).append((answer, count))
    found = []
    for place, row in enumerate(rows):
        known = answers.get(frame(row.seed.question), []) if row.action != "question" and place % 2 == 0 else []
        answer = rng.choices([word for word, _ in known], [1 / count for _, count in known])[0] if known else ""
        found.append(replace(row, wish=f"answer {answer}") if answer else row)
    return found


def read_steps(folder: Path, steps: int | None = None) -> list[Judged]:
    """Return the trials that a training kept in a folder, of its first `steps` steps or of all; none = no folder."""
    kept = [f for f in sorted(folder.glob("*.parquet")) if steps is None or int(f.stem.partition("-")[0]) < steps]
    return [from_row(row) for file in kept for row in read_rows(file)]


def shares(themes: Sequence[Theme], trials: Sequence[Judged]) -> list[float]:
    """Return each theme's weight: sqrt(p (1 - p)) + 0.1, p being the success of what was asked for it (0.5 if new)."""
    asked = Counter(row.probe.theme for row in trials)
    found = Counter(row.probe.theme for row in trials if row.failed)
    rates = [(found[theme.name] + 1) / (asked[theme.name] + 2) for theme in themes]
    return [math.sqrt(rate * (1 - rate)) + 0.1 for rate in rates]
