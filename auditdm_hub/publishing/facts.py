"""What cards, `croissant.json` and `eval.yaml` are written from: facts only, each from a stage of a run.

`version` is "" where a release is described without its number (see `releases.manifest`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from auditdm_hub.evaluating.comparison import Comparison
from auditdm_hub.releases.manifest import Change
from auditdm_hub.report.rounds import Round
from auditdm_hub.report.schema import Results


@dataclass(frozen=True, slots=True)
class License:
    """A licence: `id` as the Hub's `license:` takes it ("other" with a `name` and a `link` where it has none).

    `text` is the path of its text in the release ("LICENSES/cc0-1.0.txt").
    """

    id: str
    name: str = ""
    link: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class ModelUse:
    """A model that took part: `id` is name@revision, `role` "target", "reference", "holdout", "auditor", ...

    `license` is an id, or "" if nobody knows it.
    """

    id: str
    role: str
    license: str
    family: str = ""


@dataclass(frozen=True, slots=True)
class ImageUse:
    """Images of one origin and licence: `rows` of the release show one; `generator` = what made them, or ""."""

    origin: str
    license: str
    generator: str
    generator_license: str
    rows: int


@dataclass(frozen=True, slots=True)
class Sample:
    """A failure to be shown: `image` and `source_image` are PNG files; no `source_image` where nothing was changed."""

    id: str
    image: bytes
    source_image: bytes | None
    question: str
    instruction: str
    target_answer: str
    consensus_answer: str


@dataclass(frozen=True, slots=True)
class TypeFacts:
    """A failure type of the release: a row of the config `failure_types`, and typical failures to show."""

    name: str
    description: str
    rule: str
    status: str
    count: int
    failures: int
    trials: int
    rate: float
    low: float
    high: float
    q_value: float | None
    samples: tuple[Sample, ...] = ()


@dataclass(frozen=True, slots=True)
class FailureSet:
    """A failure set that is about to be a release.

    Attributes:
        name: ORG/NAME, or the name of a folder.
        on_hub: whether `name` is a repository of the Hub.
        version: "v1.0.0", or "".
        license: of the whole.
        audits: `results.json` of each run in it, without what belongs to the machine that it ran on.
        rows: config -> split -> rows.
        features: config -> its `datasets.Features`.
        data_files: config -> split -> glob.
        data_bytes: config -> size of its parquet files in bytes.
        types: the failure types, the most frequent first.
        models: every model that took part.
        images: what the images are and under which licences.
        dropped: why -> trials that are in no config, or that take no part in the types.
        changes: newest first.
        files: path -> (size in bytes, SHA-256) of the data files.
    """

    name: str
    on_hub: bool
    version: str
    license: License
    audits: tuple[Results, ...]
    rows: Mapping[str, Mapping[str, int]]
    features: Mapping[str, Any]
    data_files: Mapping[str, Mapping[str, str]]
    data_bytes: Mapping[str, int]
    types: tuple[TypeFacts, ...]
    models: tuple[ModelUse, ...]
    images: tuple[ImageUse, ...]
    dropped: Mapping[str, int]
    changes: tuple[Change, ...]
    files: Mapping[str, tuple[int, str]]


@dataclass(frozen=True, slots=True)
class Adapter:
    """A LoRA adapter that is about to be a release; what no stage measured is empty and has no section in the card.

    Attributes:
        name: ORG/NAME, or the name of a folder.
        on_hub: whether `name` is a repository of the Hub.
        version: "v1.0.0", or "".
        license: of the adapter, which is that of its base or a stricter one.
        base: the base model (name@revision; the name loads it).
        base_license: its licence; "" if nobody knows it.
        purpose: "auditor" (trained to find failures) or "rectified" (trained to repair them).
        datasets: what it was trained on: ORG/NAME@VERSION, or the pool of images.
        training: figures of the training data and of the training ("steps": 90, "images": 300, ...).
        hyperparameters: of peft and of the trainer.
        hardware: as far as it is known, e.g. "NVIDIA H100".
        seconds: of training; 0 if nobody knows.
        versions: library -> version.
        comparisons: before and after.
        audits: `results.json` of the runs in which it took part.
        rounds: audits between which it was made, if there were several.
        rows: the table of what it was trained on, which goes along; None = it does not.
        changes: newest first.
        library: what loads it ("peft").
    """

    name: str
    on_hub: bool
    version: str
    license: License
    base: str
    base_license: str
    purpose: str
    datasets: tuple[str, ...] = ()
    training: Mapping[str, float] = field(default_factory=dict)
    hyperparameters: Mapping[str, str] = field(default_factory=dict)
    hardware: str = ""
    seconds: float = 0.0
    versions: Mapping[str, str] = field(default_factory=dict)
    comparisons: tuple[Comparison, ...] = ()
    audits: tuple[Results, ...] = ()
    rounds: tuple[Round, ...] = ()
    rows: Path | None = None
    changes: tuple[Change, ...] = ()
    library: str = "peft"


DatasetCard = Callable[[FailureSet], Mapping[str, bytes]]
"""Returns README.md and its assets."""
AdapterCard = Callable[[Adapter], Mapping[str, bytes]]
