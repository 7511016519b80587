"""What the report says of a run beyond its trials: models, images, licences, cost. The caller knows it, we do not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from auditdm_hub.report.schema import AuditorModel, Model, Models


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """A model's `id` (name@revision[+adapter]) and the family that it votes with."""

    id: str
    family: str

    def as_json(self) -> Model:
        """Return it as `results.json` holds it."""
        return Model(id=self.id, family=self.family)


@dataclass(frozen=True, slots=True)
class RunModels:
    """Every model that took part; "" for one that was not needed."""

    target: ModelFacts
    references: tuple[ModelFacts, ...]
    auditor: str
    trained_auditor: str
    judge: str
    embedder: str
    editor: str = ""
    generator: str = ""
    holdout: ModelFacts | None = None

    def as_json(self) -> Models:
        """Return them as `results.json` holds them."""
        return Models(
            target=self.target.as_json(),
            references=[model.as_json() for model in self.references],
            holdout=self.holdout.as_json() if self.holdout else None,
            auditor=AuditorModel(base=self.auditor, trained=self.trained_auditor),
            editor=self.editor,
            generator=self.generator,
            judge=self.judge,
            embedder=self.embedder,
        )


@dataclass(frozen=True, slots=True)
class PoolFacts:
    """The images: `skipped` counts by reason, `splits` by split; `licence` is "" if nobody knows it."""

    source: str
    images: int
    skipped: Mapping[str, int] = field(default_factory=dict)
    splits: Mapping[str, int] = field(default_factory=dict)
    licence: str = ""


@dataclass(frozen=True, slots=True)
class RunFacts:
    """A run but for its trials.

    `publishable` = (whether licences allow it, why). `cost` counts what was spent, in the order in which it is shown
    ("answers of the target": 900, ...). `seconds` holds train, probe, curate and total. `training_log` is the lines of
    the auditor's log.jsonl. `faults`: what a model or a server did not deliver -> requests. `date` is an ISO date.
    `command` is the line that repeats the run. `passes`: what each auditor was offered and did not want to try.
    `left_out`: family without a vote -> auditor -> (failures, trials).
    """

    version: str
    seed: int
    date: str
    models: RunModels
    pool: PoolFacts
    publishable: tuple[bool, str]
    seconds: Mapping[str, float]
    cost: Mapping[str, float] = field(default_factory=dict)
    training_log: Sequence[Mapping[str, float]] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    faults: Mapping[str, int] = field(default_factory=dict)
    command: str = ""
    passes: Mapping[str, int] = field(default_factory=dict)
    left_out: Mapping[str, Mapping[str, tuple[int, int]]] = field(default_factory=dict)
