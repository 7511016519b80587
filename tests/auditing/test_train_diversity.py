"""Does the novelty keep an auditor from asking one question for ever? A minute: `make test-slow`."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from auditing.tiny_auditor import build_auditor
from auditing.training_case import TINY, Case, LenientReward, log_without_times

from auditdm_hub.auditing.novelty import Novelty
from auditdm_hub.auditing.probe import ImageTools
from auditdm_hub.auditing.reward import AuditReward, Scored
from auditdm_hub.records import Action, Exchange, Judged, Probe, Verdict

WEAK_AT = frozenset({"how", "many", "what", "is", "there", "the", "a", "color"})
STEPS, LAST = 100, 10


def weak_panel(probes: Sequence[Probe]) -> list[Judged]:
    """A target with eight weaknesses, each found by one word."""
    return [
        Judged(
            Exchange(probe, "no", {"r": "yes"}),
            Verdict("failure" if probe.question.rstrip("?") in WEAK_AT else "agreement", "yes", 1.0),
        )
        for probe in probes
    ]


class CountingReward(LenientReward):
    """Notes the words of each step's successes."""

    steps: list[list[str]]

    def score(
        self,
        seed_ids: Sequence[str],
        actions: Sequence[Action],
        texts: Sequence[str],
        wishes: Sequence[tuple[str, str]] = (),
    ) -> list[Scored]:
        scored = super().score(seed_ids, actions, texts, wishes)
        self.steps.append([row.probe.question for row in scored if row.outcome == "failure"])
        return scored


def effective_words(steps: list[list[str]]) -> float:
    counts = Counter(word for step in steps for word in step)
    return math.exp(-sum(n / counts.total() * math.log(n / counts.total()) for n in counts.values()))


@pytest.mark.slow
def test_plain_reward_collapses_and_novelty_does_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case = Case(build_auditor(tmp_path / "base"))
    settings = replace(
        TINY, steps=STEPS, num_generations=8, prompts_per_step=4, learning_rate=3e-3, lora_rank=8, lora_alpha=16,
        max_completion_length=1, scheduler="constant", save_steps=STEPS,
    )  # fmt: skip
    words, success = [], []
    for name, novelty in (("plain", None), ("archive", Novelty())):
        reward = CountingReward(case.seeds, weak_panel, ImageTools(case.images), novelty)
        reward.steps = []

        def give(reward: AuditReward = reward) -> AuditReward:
            return reward

        monkeypatch.setattr(case, "reward", give)
        case.train(tmp_path / name, settings)
        words.append(effective_words(reward.steps[-LAST:]))
        success.append(sum(line["search_success"] for line in log_without_times(tmp_path / name)[-LAST:]) / LAST)
    assert words[0] < 2  # one word, more or less
    assert words[1] > 3.5
    assert min(success) > 0.7  # untrained: about a third
