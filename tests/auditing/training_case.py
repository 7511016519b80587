"""A small training with real TRL: tiny Gemma3, and a fake of target, references and vote that looks at the words."""

import json
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from auditdm_hub.auditing.curriculum import Curriculum, Schedule
from auditdm_hub.auditing.memory import ImageMemory
from auditdm_hub.auditing.novelty import Novelty
from auditdm_hub.auditing.probe import ImageTools
from auditdm_hub.auditing.prompts import PLAYGROUND_PROMPTS
from auditdm_hub.auditing.reward import AuditReward, Scored
from auditdm_hub.auditing.train import TrainingData, TrainingSettings, train_auditor
from auditdm_hub.clock import is_of_the_machine
from auditdm_hub.records import Action, Exchange, Judged, Probe, Seed, Verdict

STEPS = 4
TINY = TrainingSettings(
    steps=STEPS, learning_rate=1e-2, min_learning_rate=1e-3, num_generations=4, prompts_per_step=2, lora_rank=2,
    lora_alpha=4, max_completion_length=6, save_steps=2, seed=3,
)  # fmt: skip


def judge(probes: Sequence[Probe]) -> list[Judged]:
    """A target that fails at questions whose first word is short."""
    return [
        Judged(
            Exchange(probe, "no", {"r": "yes"}),
            Verdict("failure" if len(probe.question.split()[0]) < 4 else "agreement", "yes", 1.0),
        )
        for probe in probes
    ]


class LenientReward(AuditReward):
    """Tags what an untrained model writes, so that it can be asked."""

    def score(
        self,
        seed_ids: Sequence[str],
        actions: Sequence[Action],
        texts: Sequence[str],
        wishes: Sequence[tuple[str, str]] = (),
    ) -> list[Scored]:
        words = [text.replace("?", "").replace("<", "").replace(">", "") for text in texts]
        return super().score(seed_ids, actions, [f"<question> {word}?" for word in words], wishes)


class Case:
    """A base model, data, and a fresh reward for each training."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.images = ImageMemory()
        self.seeds = []
        for shade in range(6):
            sha = self.images.put(Image.new("RGB", (32, 32), (40 * shade, 0, 99)))
            self.seeds.append(Seed(f"s{shade}", sha, "", "", "", "made", "CC0-1.0", "discovery"))

    def reward(self) -> AuditReward:
        return LenientReward(self.seeds, judge, ImageTools(self.images), Novelty())

    def train(
        self, out: Path, settings: TrainingSettings = TINY, resume: bool = False, stop_at: int = 0
    ) -> AuditReward:
        reward = self.reward()
        schedule = Schedule(settings.steps, settings.prompts_per_step, settings.seed)
        rows = Curriculum(self.seeds, ("question",), schedule)
        data = TrainingData(rows, self.images.get, PLAYGROUND_PROMPTS)

        def stop(done: int, total: int) -> None:
            assert total == settings.steps
            if done == stop_at:
                raise KeyboardInterrupt

        adapter = train_auditor(str(self.base), data, reward, settings, out, resume, stop)
        assert adapter == out / "adapter"
        return reward


def log_without_times(out: Path) -> list[dict[str, float]]:
    lines = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    return [{name: value for name, value in line.items() if not is_of_the_machine(name)} for line in lines]
