"""What `results.json` holds: JSON types only, so that every report can be written again from it without inference.

Rates are shares in [0, 1]; `low` and `high` end their Wilson 95% interval. Images are named by their SHA-256 and lie
in the run's `images/`. Probe ids are content hashes.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NotRequired, TypedDict, cast

from auditdm_hub.errors import RunError
from auditdm_hub.records import Outcome, Pairing, TypeStatus

FORMAT_VERSION = 1
Arm = Literal["prompt_only", "random", "trained"]
ARMS: tuple[Arm, ...] = ("prompt_only", "random", "trained")


class Rate(TypedDict):
    """`valid` = trials in which the target contradicted a consensus; `trials` = all, the invalid ones too."""

    rate: float
    low: float
    high: float
    valid: int
    trials: int


class SearchSuccess(Rate):
    """What one auditor achieved.

    `effective_types` = exp(entropy) of the failure types among its valid failures, the unassigned left out; so many
    equally common types would be as diverse. `unique_failures`: its valid failures without repetitions of each other.
    `largest_question_share`: share of the most frequent question among its valid failures. `passes`: images on which it
    was asked for a theme and made no trial; its yield is trials / (trials + passes).
    """

    effective_types: float
    unique_failures: int
    distinct_questions: int
    largest_question_share: float
    passes: int
    by_pairing: dict[Pairing, Rate]
    by_type: dict[str, int]
    outcomes: dict[Outcome, int]
    invalid_reasons: dict[str, int]


class Agreement(TypedDict):
    """How often the models of a family agreed with the consensus (as normalised text) when they answered."""

    agreed: int
    answered: int
    rate: float


class Consensus(TypedDict):
    """`rate` = trials with a consensus / `trials`, those that could be asked and for which answers were got.

    `by_family` holds the voting families; `holdout` the reference that is never in the vote, if there is one. A voter
    shares in the consensus that it is compared with, a holdout does not: how often it agrees estimates how often the
    consensus is right. `target_only_correct`: in how many of the counted failures the holdout gives the target's
    answer, against the voters. `effective_voters`: what the families are worth as independent witnesses, by how their
    departures from the holdout correlate; mistakes of the holdout make it smaller. These are None without a holdout.
    `left_out`: search success of each auditor if that family had no vote.
    """

    rate: float
    trials: int
    by_family: dict[str, Agreement]
    holdout: Agreement | None
    target_only_correct: Agreement | None
    effective_voters: float | None
    left_out: dict[str, dict[Arm, Rate]]


class Example(TypedDict):
    """One exchange, to be read by eye. `source_image` is "" where the image is the pool's own.

    `selected` says how it was chosen: the most typical members of a type, or drawn at random from the others.
    """

    probe_id: str
    image: str
    source_image: str
    image_source: str
    question: str
    target_answer: str | None
    consensus: str
    reference_answers: dict[str, str | None]
    instruction: str
    pairing: Pairing
    auditor: str
    selected: Literal["typical", "random"]


class Share(TypedDict):
    """How often a model erred: `wrong` of `items`."""

    wrong: int
    items: int
    rate: float
    low: float
    high: float


class Tested(TypedDict):
    """What fresh images say of a type (`auditdm_hub.confirming.decide`).

    The target on items of the type, a model without a vote (`aside_model`) on the same, and the target on matched
    controls; the 95% intervals of the differences; `power` of so many controls; `questions`: distinct ones of the type.
    """

    questions: int
    target: Share
    aside: Share
    controls: Share
    aside_model: str
    beyond_aside: list[float]
    beyond_controls: list[float]
    p_value: float
    power: float


class Confirmation(TypedDict):
    """On how many fresh images types were tested, at which level of false discoveries and margin over controls."""

    images: int
    level: float
    margin: float


class TypeResult(TypedDict):
    """A failure type: `count` members; `failures` of the `trials` that satisfy the predicate failed, at `rate`.

    A failure that satisfies several predicates counts for the rate of each, but is a member of one type only.
    """

    name: str
    predicate: str
    rule: str
    status: TypeStatus
    count: int
    failures: int
    trials: int
    rate: float
    low: float
    high: float
    q_value: float | None
    by_auditor: dict[str, int]
    examples: list[Example]
    counterexamples: list[Example]
    confirmation: NotRequired[Tested]


class Model(TypedDict):
    """A model: `id` is name@revision[+adapter]."""

    id: str
    family: str


class AuditorModel(TypedDict):
    """The auditor before training, and after it ("" if it was not trained)."""

    base: str
    trained: str


class Models(TypedDict):
    """Every model that took part; "" for one that was not needed."""

    target: Model
    references: list[Model]
    holdout: Model | None
    auditor: AuditorModel
    editor: str
    generator: str
    judge: str
    embedder: str


class Pool(TypedDict):
    """The images: how many, how many were skipped for which reason, and how many are in which split."""

    source: str
    images: int
    skipped: dict[str, int]
    splits: dict[str, int]
    licence: str


class Publishable(TypedDict):
    """Whether the licences allow to publish the result, and why (not)."""

    ok: bool
    why: str


class Seconds(TypedDict):
    """Wall-clock time of the stages."""

    train: float
    probe: float
    curate: float
    total: float


class Training(TypedDict):
    """Steps of the auditor's training, and one line of figures for each."""

    steps: int
    log: list[dict[str, float]]


class Results(TypedDict):
    """All of `results.json`. An auditor that did not run (`--no-baseline`) is null in `search_success`.

    `unique_failures`, `duplicates` and `unassigned` count over all auditors: failures that were kept, trials that were
    dropped as repetitions, kept failures that no type explains. `dropped` says why trials take no part in the types.
    `command` repeats the run, "" if nobody knows it.
    """

    format_version: int
    version: str
    date: str
    seed: int
    target: str
    models: Models
    pool: Pool
    publishable: Publishable
    search_success: dict[Arm, SearchSuccess | None]
    consensus: Consensus
    failure_types: list[TypeResult]
    unassigned: int
    unique_failures: int
    duplicates: int
    dropped: dict[str, int]
    base_rate: float
    contrast_entropy: float
    refusal: str
    unused_decisions: list[str]
    training: Training
    faults: dict[str, int]
    cost: dict[str, float]
    seconds: Seconds
    versions: dict[str, str]
    command: str
    confirmation: NotRequired[Confirmation]


def checked_results(value: Mapping[str, Any], path: Path | str = "results.json") -> Results:
    """Return what was read from a `results.json` as `Results`.

    Raises:
        RunError: another version wrote it, or keys are missing.
    """
    found = value.get("format_version")
    if found != FORMAT_VERSION:
        raise RunError(f"{path}: got format_version {found!r}, wanted {FORMAT_VERSION}: audit again with this version")
    missing = sorted(Results.__required_keys__ - value.keys())
    if missing:
        raise RunError(f"{path} lacks {', '.join(missing)}: run the audit again with --resume to have it rewritten")
    return cast(Results, value)
