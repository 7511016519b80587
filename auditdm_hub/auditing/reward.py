"""The reward of GRPO: unpack TRL's batch, build probes, ask and vote exactly as an audit does, and score.

    1 x novelty   the references reach a consensus and the target contradicts it: s(Q*, I*) of arXiv 2512.16921
    0             the target agrees, or the references do not reach a consensus
    0.3           as above, but not of the theme that was asked for
    0             as above, but known from an earlier audit
    0.4           the auditor passes on a wish: asking must be worth more than that
    -0.5          the trial cannot be used: it does not parse, is empty, asks several questions, gives its answer away,
                  is an edit or a caption that is not understood or changes nothing, or the vote calls it invalid
    None          an answer that was needed was not got, or an image maker failed: TRL leaves the row out of its group.
                  Never a zero: a server that is down says nothing of a question

The penalty, novelty (`auditdm_hub.auditing.novelty`), themes (`auditdm_hub.auditing.themes`) and `None` are ours; the
paper pays 1 or 0.
"""

import time
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from auditdm_hub.auditing.curriculum import Curriculum
from auditdm_hub.auditing.novelty import Novelty
from auditdm_hub.auditing.probe import Draft, ImageTools, blameless, build_probes, not_made
from auditdm_hub.auditing.themes import passed
from auditdm_hub.auditing.vote import MISSING
from auditdm_hub.clock import part as timed
from auditdm_hub.errors import ModelError
from auditdm_hub.records import ACTIONS, Action, Judged, Probe, Seed

if TYPE_CHECKING:
    from transformers import TrainerState

PENALTY = -0.5
OFF_THEME = 0.3
PASS_REWARD = 0.4
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
        """The verdict's outcome, "fault" for a probe that could not be asked, "missing" without what is needed."""
        if self.judged is None:
            return "missing" if blameless(self.probe) else "fault"
        return "missing" if answers_missing(self.judged) else self.judged.verdict.outcome

    @property
    def passed(self) -> bool:
        """Whether the auditor did not want to make the trial that was wished for."""
        return passed(self.probe) and not blameless(self.probe)


class AuditReward:
    """A reward function for TRL. The data set has the columns `seed_id` and `action`."""

    def __init__(
        self,
        seeds: Iterable[Seed],
        ask_and_vote: AskAndVote,
        tools: ImageTools,
        novelty: Novelty | None = None,
        patience: int = 3,
        curriculum: Curriculum | None = None,
        known: Callable[[Judged], bool] | None = None,
    ) -> None:
        """Prepare a reward.

        Args:
            seeds: what `seed_id` refers to.
            ask_and_vote: returns one judged exchange per probe, in order; gets only probes without a fault.
            tools: where images come from.
            novelty: how repeated successes are paid less; None = every success is worth 1.
            patience: after so many steps in a row without a single answer the training stops.
            curriculum: keeps the trials, and knows whether one is of the theme that was asked for.
            known: whether a success is of no use, because it is known; None = everything is new.
        """
        self._seeds = {seed.id: seed for seed in seeds}
        self._ask_and_vote = ask_and_vote
        self._tools = tools
        self._novelty = novelty
        self._patience = patience
        self._curriculum = curriculum
        self._known = known
        self._silent_steps = 0
        self.gather: Callable[[list[str]], list[str]] = list  # with several processes: everybody's

    def __call__(
        self, prompts: list[object], completions: list[object], completion_ids: list[list[int]], **columns: object
    ) -> list[float | None]:
        """Return one reward per completion (TRL's contract for reward functions)."""
        names = cast(list[str], columns["seed_id"])
        actions = cast(list[Action], columns["action"])
        texts = [text_of(completion) for completion in completions]
        nothing = [""] * len(texts)
        themes, words = (cast(list[str], columns.get(name, nothing)) for name in ("theme", "wish"))
        wishes = list(zip(themes, words, strict=True))
        start = time.perf_counter()
        scored = self.score(names, actions, texts, wishes)
        seconds = time.perf_counter() - start
        log = cast(LogMetric | None, columns.get("log_metric"))
        if log is not None:
            self._log(scored, log)
            log("reward_time", seconds)  # beside TRL's step_time
        self._refuse_silence(scored)
        if self._curriculum is not None:
            state = cast("TrainerState", columns["trainer_state"])
            self._curriculum.record(state.global_step, [row.judged for row in scored if row.judged])
        return [row.reward for row in scored]

    def score(
        self,
        seed_ids: Sequence[str],
        actions: Sequence[Action],
        texts: Sequence[str],
        wishes: Sequence[tuple[str, str]] = (),
    ) -> list[Scored]:
        """Ask and score texts, in order; the novelty archive learns of the successes. A wish is (theme, words)."""
        wishes = wishes or [("", "")] * len(texts)
        with timed("image"):
            probes = build_probes(self._drafts(seed_ids, actions, texts, wishes), "training", self._tools)
        asked = [i for i, probe in enumerate(probes) if not probe.fault]
        answered = self._ask_and_vote([probes[i] for i in asked]) if asked else []
        judged: dict[int, Judged] = dict(zip(asked, answered, strict=True))
        worth = self._worth(judged, list(zip(seed_ids, actions, wishes, strict=True)))
        return [
            Scored(probe, judged.get(i), self._reward(probe, judged.get(i), worth.get(i, 1.0)))
            for i, probe in enumerate(probes)
        ]

    def _reward(self, probe: Probe, judged: Judged | None, worth: float) -> float | None:
        if judged is None:
            if blameless(probe):
                return None
            return PASS_REWARD if passed(probe) else PENALTY
        if answers_missing(judged):
            return None
        if judged.failed:
            if self._known is not None and self._known(judged):
                return 0.0
            wished = self._curriculum is None or not probe.theme or self._curriculum.on_theme(probe.theme, judged)
            return worth if wished else OFF_THEME * worth
        return PENALTY if judged.verdict.outcome == "invalid" else 0.0

    def state(self) -> dict[str, object]:
        """Return what the next rewards depend on, as JSON types."""
        archive = self._novelty.state() if self._novelty else {}
        return {"novelty": archive, "silent_steps": self._silent_steps}

    def restore(self, state: Mapping[str, object]) -> None:
        """Take over a state that `state` gave."""
        if self._novelty:
            self._novelty.restore(cast(Mapping[str, float], state["novelty"]))
        self._silent_steps = cast(int, state["silent_steps"])

    def _drafts(
        self,
        seed_ids: Sequence[str],
        actions: Sequence[Action],
        texts: Sequence[str],
        wishes: Sequence[tuple[str, str]],
    ) -> list[Draft]:
        attempts: Counter[tuple[str, Action]] = Counter()
        drafts = []
        for seed_id, action, text, wish in zip(seed_ids, actions, texts, wishes, strict=True):
            drafts.append(Draft(self._seeds[seed_id], action, attempts[seed_id, action], text, *wish))
            attempts[seed_id, action] += 1
        return drafts

    def _worth(self, judged: Mapping[int, Judged], groups: Sequence[Hashable]) -> dict[int, float]:
        if self._novelty is None:
            return {}
        found = [i for i, one in judged.items() if one.failed and not answers_missing(one)]
        successes = [judged[i] for i in found]
        weights = self._novelty.weights(successes, [groups[i] for i in found])
        self._novelty.learn(self.gather(self._novelty.kinds(successes)))
        return dict(zip(found, weights, strict=True))

    def _refuse_silence(self, scored: Sequence[Scored]) -> None:
        outcomes = {row.outcome for row in scored if not not_made(row.probe)}  # makers have a patience of their own
        if outcomes - {"missing", "fault"}:
            self._silent_steps = 0
        elif "missing" in outcomes:  # a step in which nothing could be asked says nothing of the models
            self._silent_steps += 1
        if self._silent_steps >= self._patience:
            raise ModelError(
                f"no answer was got in {self._silent_steps} steps of training in a row: check that the target, the "
                "references and the gate run and can be reached, then continue with --resume"
            )

    def _log(self, scored: Sequence[Scored], log: LogMetric) -> None:
        for name, value in metrics(scored).items():
            log(name, value)
        if self._novelty is not None:
            log("effective_kinds", self._novelty.effective_kinds)


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
    """Return the shares of a batch. Every trial is in the denominator, unless the name says "given"; a pass is none."""
    outcomes = Counter(row.outcome for row in scored)
    total = sum(not row.passed for row in scored) or 1
    faults = outcomes["fault"] - sum(row.passed for row in scored)
    consensus = outcomes["failure"] + outcomes["agreement"]
    found = [row.reward for row in scored if row.outcome == "failure" and row.reward is not None]
    shares = {
        "search_success": outcomes["failure"] / total,
        "consensus_rate": consensus / total,
        "parse_ok": 1 - faults / total,
        "passes": sum(row.passed for row in scored) / len(scored),
        "invalid": outcomes["invalid"] / total,
        "answers_missing": outcomes["missing"] / total,
        "unique": len({row.probe.text for row in scored}) / len(scored),
    }
    if consensus:
        shares["disagreement_given_consensus"] = outcomes["failure"] / consensus
    if found:
        shares["worth_given_success"] = sum(found) / len(found)
    for action in ACTIONS:
        rows = [row.outcome == "failure" for row in scored if row.probe.action == action and not row.passed]
        if rows:
            shares[f"search_success/{action}"] = sum(rows) / len(rows)
    return shares
