"""The frozen records that flow between the stages: the vocabulary of the project.

A `Seed` is an image of the pool; an auditor turns it into a `Probe`; asking the models makes it an `Exchange`;
voting adds a `Verdict`; failures are grouped into `FailureType`s. Images are named by the SHA-256 of their
pixels (`auditdm_hub.images.image_sha`) and live beside the records, never in them.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Action = Literal["question", "caption", "edit"]
QuestionSource = Literal["seed", "auditor"]
ImageSource = Literal["original", "generated", "edited"]
Pairing = Literal["(Q*, I)", "(Q, I*)", "(Q*, I*)"]
Split = Literal["discovery", "confirm", "rectify", "test"]
Outcome = Literal["failure", "agreement", "no_consensus", "invalid"]
TypeStatus = Literal["proposed", "confirmed", "suggestive", "rejected"]

ACTIONS: tuple[Action, ...] = ("question", "caption", "edit")
PAIRINGS: tuple[Pairing, ...] = ("(Q*, I)", "(Q, I*)", "(Q*, I*)")
ROLES = ("image", "caption", "question", "answer")  # of columns in a data set of images
UNANSWERABLE = "unanswerable"


def content_id(*parts: object, length: int = 16) -> str:
    """Return the first `length` hex digits of the SHA-256 of the parts' canonical JSON."""
    text = json.dumps(parts, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:length]


@dataclass(frozen=True, slots=True)
class Seed:
    """One image of the pool with what is known of it; empty strings where the pool says nothing."""

    id: str
    image_sha: str
    caption: str
    question: str
    answer: str
    source: str
    licence: str
    split: Split


@dataclass(frozen=True, slots=True)
class NotMade:
    """Stands for a picture that its maker did not make; `reason` in a word or two.

    It failed, or with `refused` it did not want what it was asked for.
    """

    reason: str
    refused: bool = False


@dataclass(frozen=True, slots=True)
class Probe:
    """One trial: a question on an image, and how it came to be.

    `text` is what the auditor wrote, unparsed; `theme` the kind of failure that it was asked for and `wish` in which
    words ("" = it was free). `fault` says why the trial cannot be asked ("unparsed: ...",
    "edit not understood: ..."); it is empty for a probe that can. A faulty probe stays in every denominator.
    """

    seed_id: str
    auditor: str
    action: Action
    attempt: int
    text: str
    question: str
    question_source: QuestionSource
    image_sha: str
    image_source: ImageSource
    instruction: str
    source_image_sha: str
    fault: str = ""
    theme: str = ""
    wish: str = ""

    @property
    def id(self) -> str:
        """Content hash: the same trial has the same id on every machine and after every resume."""
        return content_id(
            self.seed_id, self.auditor, self.action, self.attempt, self.question_source,
            self.image_source, self.question, self.image_sha, self.text,
        )  # fmt: skip

    @property
    def first_pass(self) -> bool:
        """Whether this is what the auditor wrote first, and no second question on an image that it had changed."""
        return self.question_source == "seed" or self.image_source == "original"

    @property
    def pairing(self) -> Pairing:
        """Which of the paper's three pairings this is (section 3 of arXiv 2512.16921)."""
        if self.question_source == "seed":
            return "(Q, I*)"
        return "(Q*, I)" if self.image_source == "original" else "(Q*, I*)"


@dataclass(frozen=True, slots=True)
class Exchange:
    """A probe and every answer to it. `None` = no answer was got (a fault), never a wrong answer."""

    probe: Probe
    target_answer: str | None
    reference_answers: Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the vote says of an exchange.

    `consensus` is the answer of the largest agreeing group of reference families ("" where there is none): it is not
    ground truth. `agreement` is that group's share of the families, in [0, 1]; `reason` explains an outcome that is
    neither failure nor agreement.
    """

    outcome: Outcome
    consensus: str
    agreement: float
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Judged:
    """An exchange with its verdict: one row of a run's `exchanges/` table."""

    exchange: Exchange
    verdict: Verdict

    @property
    def probe(self) -> Probe:
        """The trial that was asked."""
        return self.exchange.probe

    @property
    def failed(self) -> bool:
        """Whether the target contradicted a consensus."""
        return self.verdict.outcome == "failure"


@dataclass(frozen=True, slots=True)
class Predicate:
    """A falsifiable statement of which trials belong to a failure type.

    `rule` reads the question, the consensus answer and the instruction only: never the target's answer, never ground
    truth. Its grammar and its evaluation are `auditdm_hub.curate.predicates`.
    """

    text: str
    rule: str


@dataclass(frozen=True, slots=True)
class FailureType:
    """A named group of failures.

    `count` = failures that are members; `trials` = judged exchanges that satisfy the predicate, of which `failures`
    failed; `rate` = failures / trials with its Wilson 95% interval [`low`, `high`]. `members` are probe ids, most
    typical first. `status` is "proposed" until the confirm stage has run.
    """

    name: str
    predicate: Predicate
    members: tuple[str, ...]
    count: int
    failures: int
    trials: int
    rate: float
    low: float
    high: float
    status: TypeStatus = "proposed"
    q_value: float | None = None
