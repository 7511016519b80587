"""The seven models of the playground: what each is, how large, what it cannot do, how it is trained."""

from dataclasses import dataclass

from auditdm_hub.playground.build.architectures import Size
from auditdm_hub.playground.build.train import Schedule
from auditdm_hub.playground.gaps import SIBLING_GAPS, TARGET_GAPS, Gap


@dataclass(frozen=True, slots=True)
class Entry:
    """A model to build. `scenes` pictures with `each` questions are drawn from `data_seed`."""

    name: str
    role: str
    family: str
    size: Size
    schedule: Schedule
    seed: int
    data_seed: int
    gaps: tuple[Gap, ...] = ()
    scenes: int = 30_000
    each: int = 16
    sight_steps: int = 1200
    second_steps: int = 4000
    start: str = ""
    """A model of the same family and size to start from, instead of from nothing."""

    @property
    def all_steps(self) -> int:
        """The steps of both rounds."""
        return self.schedule.steps + self.second_steps

    @property
    def second(self) -> Schedule:
        """The second round, on what is still wrong at times after the first."""
        first = self.schedule
        return Schedule(self.second_steps, first.pictures, first.learning_rate / 2, first.seed + 100)


ROSTER = (
    Entry("target", "target", "paligemma", Size(96, 4, 2), Schedule(5500, 12, 3e-3, 11), 1, 101, TARGET_GAPS),
    Entry("reference-gemma3", "reference", "gemma3", Size(96, 4, 2), Schedule(6000, 16, 3e-3, 12), 2, 102),
    Entry("reference-llava", "reference", "llava", Size(104, 4, 2), Schedule(5500, 12, 3e-3, 13), 3, 103,
          sight_steps=3600, second_steps=5000),
    Entry("reference-idefics3", "reference", "idefics3", Size(88, 4, 2), Schedule(5500, 12, 3e-3, 14), 4, 104,
          second_steps=5000),
    Entry("auditor", "auditor", "gemma3", Size(96, 4, 2), Schedule(4500, 16, 1.5e-3, 17), 7, 107, scenes=12_000,
          second_steps=0, start="reference-gemma3"),
    Entry("holdout", "holdout reference", "aya_vision", Size(104, 4, 2), Schedule(5500, 12, 3e-3, 15), 5, 105,
          sight_steps=3600),
    Entry("sibling", "larger sibling of the target", "paligemma", Size(192, 4, 2), Schedule(3000, 16, 2e-3, 16), 6,
          106, SIBLING_GAPS, second_steps=0),
)  # fmt: skip
