"""The reward of GRPO: unpack TRL's batch, build probes, ask and vote exactly as an audit does, and score.

    1 x novelty   the references reach a consensus and the target contradicts it: s(Q*, I*) of arXiv 2512.16921
    0             the target agrees, or the references do not reach a consensus
    -0.5          the trial cannot be used: it does not parse, is empty, asks several questions, gives its answer away,
                  is an edit or a caption that is not understood or changes nothing, or the vote calls it invalid
    None          an answer that was needed was not got: TRL leaves the row out of its group. Never a zero: a server
                  that is down says nothing of a question

The penalty, the novelty (`auditdm_hub.auditing.novelty`) and `None` are ours; the paper pays 1 or 0.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from auditdm_hub.auditing.novelty import Novelty
from auditdm_hub.auditing.probe import Draft, ImageTools, build_probes
from auditdm_hub.auditing.vote import MISSING
from auditdm_hub.errors import ModelError
from auditdm_hub.records import ACTIONS, Action, Judged, Probe, Seed

PENALTY = -0.5
AskAndVote = Callable[[Sequence[Probe]], Sequence[Judged]]
LogMetric = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class Scored:
    """One row of a batch with its reward. `judged` is None for a probe that could not be asked."""

    probe: Probe
    judged: Judged | None
    reward: float | None

    @property
    def outcome(self) -> str:
        """The verdict's outcome, "fault" for a probe that could not be asked, "missing" without the answers."""
        if self.judged is None:
            return "fault"
        return "missing" if answers_missing(self.judged) else self.judged.verdict.outcome


class AuditReward:
    """A reward function for TRL. The data set has the columns `seed_id` and `action`."""

    def __init__(
        self,
        seeds: Iterable[Seed],
        ask_and_vote: AskAndVote,
        tools: ImageTools,
        novelty: Novelty | None = None,
        counters: Callable[[], Mapping[str, float]] | None = None,
        patience: int = 3,
    ) -> None:
        """Prepare a reward.

        Args:
            seeds: what `seed_id` refers to.
            ask_and_vote: returns one judged exchange per probe, in order; gets only probes without a fault.
            tools: where images come from.
            novelty: how repeated successes are paid less; None = every success is worth 1.
            counters: further figures to log after each step, such as the cache's hits.
            patience: after so many steps in a row without a single answer the training stops.
        """
        self._seeds = {seed.id: seed for seed in seeds}
        self._ask_and_vote = ask_and_vote
        self._tools = tools
        self._novelty = novelty
        self._counters = counters
        self._patience = patience
        self._silent_steps = 0
        self.gather: Callable[[list[str]], list[str]] = list  # with several processes: everybody's

    def __call__(
        self, prompts: list[object], completions: list[object], completion_ids: list[list[int]], **columns: object
    ) -> list[float | None]:
        """Return one reward per completion (TRL's contract for reward functions)."""
        names = cast(list[str], columns["seed_id"])
        actions = cast(list[Action], columns["action"])
        texts = [text_of(completion) for completion in completions]
        start = time.perf_counter()
        scored = self.score(names, actions, texts)
        seconds = time.perf_counter() - start
        log = cast(LogMetric | None, columns.get("log_metric"))
        if log is not None:
            self._log(scored, log)
            log("reward_time", seconds)  # beside TRL's step_time
        self._refuse_silence(scored)
        return [row.reward for row in scored]

    def score(self, seed_ids: Sequence[str], actions: Sequence[Action], texts: Sequence[str]) -> list[Scored]:
        """Ask and score texts, in order; the novelty archive learns of the successes."""
        probes = build_probes(self._drafts(seed_ids, actions, texts), "training", self._tools)
        asked = [i for i, probe in enumerate(probes) if not probe.fault]
        answered = self._ask_and_vote([probes[i] for i in asked]) if asked else []
        judged: dict[int, Judged] = dict(zip(asked, answered, strict=True))
        worth = self._worth(judged, list(zip(seed_ids, actions, strict=True)))
        return [
            Scored(probe, judged.get(i), _reward(judged.get(i), worth.get(i, 1.0))) for i, probe in enumerate(probes)
        ]

    def state(self) -> dict[str, object]:
        """Return what the next rewards depend on, as JSON types."""
        archive = self._novelty.state() if self._novelty else {}
        return {"novelty": archive, "silent_steps": self._silent_steps}

    def restore(self, state: Mapping[str, object]) -> None:
        """Take over a state that `state` gave."""
        if self._novelty:
            self._novelty.restore(cast(Mapping[str, float], state["novelty"]))
        self._silent_steps = cast(int, state["silent_steps"])

    def _drafts(self, seed_ids: Sequence[str], actions: Sequence[Action], texts: Sequence[str]) -> list[Draft]:
        attempts: Counter[tuple[str, Action]] = Counter()
        drafts = []
        for seed_id, action, text in zip(seed_ids, actions, texts, strict=True):
            drafts.append(Draft(self._seeds[seed_id], action, attempts[seed_id, action], text))
            attempts[seed_id, action] += 1
        return drafts

    def _worth(self, judged: Mapping[int, Judged], groups: Sequence[tuple[str, Action]]) -> dict[int, float]:
        if self._novelty is None:
            return {}
        found = [i for i, one in judged.items() if one.failed and not answers_missing(one)]
        successes = [judged[i] for i in found]
        weights = self._novelty.weights(successes, [groups[i] for i in found])
        self._novelty.learn(self.gather(self._novelty.kinds(successes)))
        return dict(zip(found, weights, strict=True))

    def _refuse_silence(self, scored: Sequence[Scored]) -> None:
        outcomes = {row.outcome for row in scored}
        if outcomes - {"missing", "fault"}:
            self._silent_steps = 0
        elif "missing" in outcomes:  # a step in which nothing could be asked says nothing of the models
            self._silent_steps += 1
        if self._silent_steps >= self._patience:
            raise ModelError(
                f"no answer was got in {self._silent_steps} steps of training in a row: check that the target and the "
                "references run and can be reached, then continue with --resume"
            )

    def _log(self, scored: Sequence[Scored], log: LogMetric) -> None:
        for name, value in metrics(scored).items():
            log(name, value)
        if self._novelty is not None:
            log("effective_kinds", self._novelty.effective_kinds)
        for name, value in (self._counters() if self._counters else {}).items():
            log(name, value)


def answers_missing(judged: Judged) -> bool:
    """Whether a trial lacks the target's answer, those of all references, or the judge's word on them."""
    exchange = judged.exchange
    if judged.verdict.outcome == "invalid" and judged.verdict.reason in MISSING:
        return True
    return exchange.target_answer is None or all(answer is None for answer in exchange.reference_answers.values())


def text_of(completion: object) -> str:
    """Return the text of a completion as TRL gives it: a string, or a conversation of one message."""
    if isinstance(completion, str):
        return completion
    messages = cast(list[dict[str, object]], completion)
    return "".join(str(message.get("content") or "") for message in messages)


def metrics(scored: Sequence[Scored]) -> dict[str, float]:
    """Return the shares of a batch. Every attempt is in the denominator, unless the name says "given"."""
    outcomes = Counter(row.outcome for row in scored)
    total = len(scored)
    consensus = outcomes["failure"] + outcomes["agreement"]
    found = [row.reward for row in scored if row.outcome == "failure" and row.reward is not None]
    shares = {
        "search_success": outcomes["failure"] / total,
        "consensus_rate": consensus / total,
        "parse_ok": 1 - outcomes["fault"] / total,
        "invalid": outcomes["invalid"] / total,
        "answers_missing": outcomes["missing"] / total,
        "unique": len({row.probe.text for row in scored}) / total,
    }
    if consensus:
        shares["disagreement_given_consensus"] = outcomes["failure"] / consensus
    if found:
        shares["worth_given_success"] = sum(found) / len(found)
    for action in ACTIONS:
        rows = [row.outcome == "failure" for row in scored if row.probe.action == action]
        if rows:
            shares[f"search_success/{action}"] = sum(rows) / len(rows)
    return shares


def _reward(judged: Judged | None, worth: float) -> float | None:
    if judged is None:
        return PENALTY
    if answers_missing(judged):
        return None
    if judged.failed:
        return worth
    return PENALTY if judged.verdict.outcome == "invalid" else 0.0
