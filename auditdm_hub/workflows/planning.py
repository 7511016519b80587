"""What an auditor is asked for: the curriculum of its training, and the themes with which it probes."""

from collections.abc import Callable, Sequence
from functools import cached_property, partial
from pathlib import Path

from auditdm_hub.auditing.auditors import Arm
from auditdm_hub.auditing.curriculum import Curriculum, Rehearse, Rounds, Schedule, read_steps, rehearse
from auditdm_hub.auditing.normalise import normalise
from auditdm_hub.auditing.probe import ImageTools
from auditdm_hub.auditing.themes import Theme
from auditdm_hub.config import AuditConfig
from auditdm_hub.curate import curate
from auditdm_hub.errors import FAULTS
from auditdm_hub.records import FailureType, Judged, Seed
from auditdm_hub.runs import Run
from auditdm_hub.workflows.parts import Cast
from auditdm_hub.workflows.themes import known_types, propose

TRIALS = Path("auditor") / "trials"


class Planner:
    """Plans for one audit, from its configuration and from the trials of its training."""

    def __init__(
        self, config: AuditConfig, run: Run, cast: Cast, seeds: Sequence[Seed], tools: Callable[[], ImageTools]
    ) -> None:
        """Plan for a run; `seeds` are all images that its auditors may see, `tools` gives what they rehearse with."""
        self._config, self._run, self._cast, self._seeds, self._tools = config, run, cast, seeds, tools

    def curriculum(self, seeds: Sequence[Seed]) -> Curriculum:
        """Return what the auditor is trained on, with these images."""
        config, training = self._config, self._config.training
        schedule = Schedule(config.steps, training.prompts_per_step, config.seed)
        if training.rounds == 1:
            return Curriculum(seeds, config.actions, schedule)
        proposing = partial(self._propose, final=False)
        rounds = Rounds(training.rounds, proposing, self._run.path / TRIALS, self._rehearse, self.sees)
        return Curriculum(seeds, config.actions, schedule, rounds)

    def themes(self) -> list[Theme]:
        """Return the themes that training ended with: this run's, or that of the run whose auditor is used again."""
        trials = self.trials()
        return self._propose(trials) if trials else []

    def trials(self) -> list[Judged]:
        """Return the trials of the training, this run's or that of the run that is used again; none if not kept."""
        if self._cast.trained_before:
            return read_steps(Path(self._config.auditor) / TRIALS)
        if not self._config.steps or self._config.training.rounds == 1:
            return []
        return read_steps(self._run.path / TRIALS)

    def suggested(self) -> tuple[tuple[FailureType, ...], frozenset[str]]:
        """Return the failure types of the training's trials, to be tested on others, and the images that it had."""
        trials = self.trials()
        types = curate(trials, self._cast.embedder, None, self._config.seed).types if trials else ()
        return types, frozenset(row.probe.source_image_sha for row in trials)

    def sees(self, seed: Seed) -> str:
        """Return what the untrained auditor answers to a seed's question; "" if it is not asked, or not certain."""
        return self._seen.get(seed.id, "")

    @property
    def _rehearse(self) -> Rehearse | None:
        """What chooses images: the untrained auditor, if it can answer what it asks."""
        cast, training = self._cast, self._config.training
        if not training.choose_images or cast.answerer is None:
            return None
        arm = Arm("prompt_only", cast.auditor(None, training.temperature), cast.answerer)
        tools = self._tools()
        return lambda rows: rehearse(arm, rows, tools)

    @cached_property
    def _seen(self) -> dict[str, str]:
        answerer, seeds = self._cast.answerer, [seed for seed in self._seeds if seed.question]
        seen, size = dict[str, str](), self._config.batch_size
        for part in (seeds[start : start + size] for start in range(0, len(seeds), size)):  # of images in memory
            if answerer is not None:
                images = [self._run.images.get(seed.image_sha) for seed in part]
                try:
                    answers = answerer.answer(images, [seed.question for seed in part])
                except FAULTS:
                    continue
                seen |= {seed.id: normalise(said or "") for seed, said in zip(part, answers, strict=True)}
        return seen

    def _propose(self, judged: Sequence[Judged], *, final: bool = True) -> list[Theme]:
        known = known_types(self._config.known)
        new = judged if known is None else [row for row in judged if not (row.failed and known(row))]
        return propose(new, self._cast.embedder, self._config.seed, final=final)
