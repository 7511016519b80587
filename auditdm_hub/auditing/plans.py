"""Which trials an auditor makes: a fixed list, or one that follows themes.

A plan gives the drafts of one chunk after another, from what the chunks before it brought: a run that was killed goes
on with the same drafts.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import zip_longest
from typing import Protocol

from auditdm_hub.auditing.probe import Draft, plan
from auditdm_hub.auditing.themes import Sees, Theme, hopeless, passed, sees_nothing
from auditdm_hub.records import Action, Judged, Probe, Seed
from auditdm_hub.statistics import wilson

CHUNK = 128
AGAIN = 4
"""How often an image may be offered for a theme that it admitted, and for each failure that it brought."""
MOST_OFFERS = 8
CHANGED = 0.4
"""Share of a theme's trials that are to use a caption or an edit."""
ENOUGH = 12
"""Failures from which on a theme's share of the trials depends on its success."""
MOST_OF_THEME = 2.0
"""A theme's trials are at most so many times its even share, while others can use them."""
Pair = tuple[str, Action]
_History = tuple[dict[Pair, Counter[str]], dict[Pair, Counter[str]], dict[Pair, Counter[str]]]


class Asked:
    """What an auditor has asked so far: how often each question, and of which image."""

    def __init__(self, probes: Iterable[Probe]) -> None:
        self.questions: Counter[str] = Counter()
        self.pairs: set[tuple[str, str]] = set()
        for probe in probes:
            self.add(probe)

    def add(self, probe: Probe) -> None:
        """Take note of a probe that is asked."""
        self.questions[probe.question] += 1
        self.pairs.add((probe.image_sha, probe.question))


class Plan(Protocol):
    """What `generate` follows."""

    @property
    def trials(self) -> int:
        """How many texts are asked for; a pass is not counted."""
        ...

    def chunk(self, index: int, before: Sequence[Judged]) -> list[Draft]:
        """Return the drafts of a chunk; none = the plan is done. `before` holds every row of the chunks before it."""
        ...

    def admits(self, probe: Probe, answer: str | None) -> bool:
        """Whether a probe is what was wished for, if the auditor's own answer to it were right."""
        ...

    def too_often(self, probe: Probe, asked: Asked) -> bool:
        """Whether a probe's question has been asked so often that it is to be left out."""
        ...


class FixedPlan:
    """Every (image, action) once before any twice, without themes."""

    def __init__(self, seeds: Sequence[Seed], actions: Sequence[Action], trials: int) -> None:
        self._drafts = plan(seeds, actions, trials)
        self.trials = len(self._drafts)

    def chunk(self, index: int, before: Sequence[Judged]) -> list[Draft]:
        """Return a slice of the list."""
        del before
        return self._drafts[index * CHUNK : (index + 1) * CHUNK]

    def admits(self, probe: Probe, answer: str | None) -> bool:
        """Always: nothing was wished for."""
        del probe, answer
        return True

    def too_often(self, probe: Probe, asked: Asked) -> bool:
        """Never."""
        del probe, asked
        return False


class ThemedPlan:
    """All themes, equally often until each has its failures, on images that the auditor does not pass on.

    A theme gets up to eight offers for each trial that it still lacks, as its passes so far suggest. Where no image
    admits a theme, or an action has shown to be hopeless for it, its trials go to the others; what no theme can use is
    asked without one, so that every auditor has as many trials.
    """

    def __init__(
        self,
        seeds: Sequence[Seed],
        actions: Sequence[Action],
        themes: Sequence[Theme],
        trials: int,
        seed: int = 0,
        sees: Sees = sees_nothing,
        question_share: float = 0.016,
    ) -> None:
        """Plan `trials` texts; an edit is asked for only where the auditor `sees` an answer that it can change.

        At most `question_share` of them have the same words: a question that works is not asked for ever.

        Raises:
            ValueError: there are no themes.
        """
        if not themes:
            raise ValueError("a themed plan needs at least one theme, got none")
        self.trials = trials
        self._themes = {theme.name: theme for theme in themes}
        self._seeds, self._actions, self._seed, self._sees = seeds, actions, seed, sees
        self._most = max(3, int(question_share * trials))
        self._theme_limit = MOST_OF_THEME * trials / len(themes)
        self._offers: dict[Pair, list[Seed]] = {}
        for theme in themes:
            for action in actions:
                fit = [one for one in seeds if action == "question" or self._wish(theme.name, action, one, 0)]
                random.Random(f"{seed} {theme.name} {action}").shuffle(fit)
                if fit:
                    self._offers[theme.name, action] = fit

    def chunk(self, index: int, before: Sequence[Judged]) -> list[Draft]:
        """Return the next drafts: those pairs of theme and action first that have the fewest trials."""
        del index
        first = [row.probe for row in before if row.probe.first_pass]
        offered = Counter((probe.theme, probe.action) for probe in first)
        made = Counter((probe.theme, probe.action) for probe in first if not passed(probe))
        asked = Counter((probe.theme, probe.action) for probe in first if not probe.fault)
        failed = Counter((row.probe.theme, row.probe.action) for row in before if row.probe.first_pass and row.failed)
        attempts = Counter((probe.seed_id, probe.action) for probe in first)
        history = _history(before)
        queues = {
            pair: self._queue(pair, history, hopeless(failed[pair], asked[pair])) for pair in self._offers
        }  # fmt: skip
        open_pairs = [pair for pair, queue in queues.items() if queue]
        lacking = self.trials - sum(made.values())
        drafts: list[Draft] = []
        for pair, wanted in _Shares(open_pairs, made, failed, self._theme_limit).share_out(lacking).items():
            start, each = offered[pair], min(MOST_OFFERS, (offered[pair] + 1) / (made[pair] + 1))
            for number, seed in enumerate(queues[pair][: round(wanted * each)], start=start):
                drafts.append(self._draft(pair, seed, number, attempts))
        if not drafts:
            return self._free(lacking, sum(not probe.theme for probe in first), attempts)
        # Even chunks: all pairs go on at the same pace.
        random.Random(f"{self._seed} {len(first)}").shuffle(drafts)
        return drafts[:CHUNK]

    def admits(self, probe: Probe, answer: str | None) -> bool:
        """Whether it is of its theme, if it has one."""
        return not probe.theme or self._themes[probe.theme].admits(probe.question, answer)

    def too_often(self, probe: Probe, asked: Asked) -> bool:
        """Whether it was asked of this image before, or its share of the questions would become too large."""
        if not probe.theme:
            return False
        return (probe.image_sha, probe.question) in asked.pairs or asked.questions[probe.question] >= self._most

    def _queue(self, pair: Pair, history: _History, given_up: bool) -> list[Seed]:
        """Return the images to offer next: in turn one on which the target failed before, and one that is new.

        After these come images that admitted the theme, and those on which a caption or an edit brought nothing yet:
        the next picture may be what was wished for. Of one that is given up, those remain that failed before.
        """
        offered, made, failed = (counts.get(pair, Counter()) for counts in history)
        fit = self._offers[pair]
        again = [seed for seed in fit if offered[seed.id] < AGAIN * failed[seed.id]]
        if given_up:
            return again
        new = [seed for seed in fit if not offered[seed.id]]
        rest = [seed for seed in fit if made[seed.id] and not failed[seed.id] and offered[seed.id] < AGAIN]
        turns = [seed for both in zip_longest(again, new) for seed in both if seed is not None]
        if pair[1] != "question":
            rest += [seed for seed in fit if not made[seed.id] and 0 < offered[seed.id] < MOST_OFFERS]
        return [*turns, *rest]

    def _free(self, lacking: int, made: int, attempts: Counter[tuple[str, Action]]) -> list[Draft]:
        drafts = []
        for draft in plan(self._seeds, self._actions, made + max(0, lacking))[made:][:CHUNK]:
            drafts.append(replace(draft, attempt=attempts[draft.seed.id, draft.action]))
            attempts[draft.seed.id, draft.action] += 1
        return drafts

    def _draft(self, pair: Pair, seed: Seed, number: int, attempts: Counter[tuple[str, Action]]) -> Draft:
        name, action = pair
        attempt = attempts[seed.id, action]
        attempts[seed.id, action] += 1
        return Draft(seed, action, attempt, "", name, self._wish(name, action, seed, number))

    def _wish(self, name: str, action: Action, seed: Seed, number: int) -> str:
        rng, theme = random.Random(f"{self._seed} {name} {action} {number}"), self._themes[name]
        return theme.wish(rng) if action == "question" else theme.change(rng, seed, action, self._sees)


def _history(before: Sequence[Judged]) -> _History:
    """Return how often each seed was offered, became a trial, and brought a failure, by theme and action."""
    offered, made, failed = (defaultdict[Pair, Counter[str]](Counter) for _ in range(3))
    for row in before:
        probe = row.probe
        if probe.first_pass:
            pair = probe.theme, probe.action
            offered[pair][probe.seed_id] += 1
            made[pair][probe.seed_id] += not passed(probe)
            failed[pair][probe.seed_id] += row.failed
    return offered, made, failed


class _Shares:
    """Who gets the next trial: the theme that has fewest for its weight, and in it the action that does best.

    A theme weighs 1 until it has `ENOUGH` failures, and then the cube of its success: first breadth, then yield. One
    that has `MOST_OF_THEME` times its even share is last.

    `CHANGED` of a theme's trials go to captions and edits where they are possible. Of the two the one with the higher
    upper bound of its success is taken, so that one that was hardly tried gets its chance.
    """

    def __init__(self, pairs: Sequence[Pair], made: Counter[Pair], failed: Counter[Pair], limit: float) -> None:
        self._made, self._wanted, self._limit = made, Counter[Pair](), limit
        self._bound = {pair: wilson(failed[pair], made[pair])[1] for pair in pairs}
        self._actions: dict[str, list[Action]] = {}
        for name, action in pairs:
            self._actions.setdefault(name, []).append(action)
        self._total = {name: sum(n for (theme, _), n in made.items() if theme == name) for name in self._actions}
        self._weight = {
            name: self._weigh(sum(n for (theme, _), n in failed.items() if theme == name), total)
            for name, total in self._total.items()
        }

    def _turn(self, name: str) -> tuple[bool, float]:
        return self._total[name] >= self._limit, (self._total[name] + 1) / self._weight[name]

    @staticmethod
    def _weigh(failures: int, trials: int) -> float:
        return 1.0 if failures < ENOUGH else ((failures + 1) / (trials + 2)) ** 3

    def share_out(self, lacking: int) -> dict[Pair, int]:
        """Return how many more trials each pair is to get."""
        for _ in range(lacking if self._actions else 0):
            name = min(self._total, key=self._turn)
            self._wanted[name, self._best(name)] += 1
            self._total[name] += 1
        return dict(self._wanted)

    def _best(self, name: str) -> Action:
        actions = self._actions[name]
        questions = self._trials(name, "question")
        changing = [action for action in actions if action != "question"]
        if "question" in actions and (not changing or questions <= (1 - CHANGED) * self._total[name]):
            return "question"
        return max(changing, key=lambda action: (self._bound[name, action], -self._trials(name, action)))

    def _trials(self, name: str, action: Action) -> int:
        return self._made[name, action] + self._wanted[name, action]
