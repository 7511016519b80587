"""What a model is repaired with: questions on images with the answer that it shall give.

1. Failures are lessons: the label is the consensus of the references (a pseudo-label), if enough of them agree.
2. Failure types get equal shares: rows of a rare type come again, up to `MOST_REPEATS` times.
3. A share of agreements is replayed, so that what the model can do is not forgotten: drawn evenly over the kinds of
   question and the answers that the references gave, or a replay of "yes" alone would teach to say yes. What target
   and references both call unanswerable belongs to it.
4. What a first adapter made it forget is replayed before the rest, up to `MOST_RETURNS` times, as half of the replays
   at most.
5. Nothing about an image of the splits "confirm" or "test", or of a release's test split, is ever trained on.
6. A tenth of the source images is held out, to stop in time.

Rectification of arXiv 2512.16921, its "bootstrapped unlabelled data"; balance, replay and threshold are ours.
"""

import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from auditdm_hub.auditing.normalise import normalise
from auditdm_hub.auditing.novelty import frame
from auditdm_hub.auditing.pool import split_of as stage_of
from auditdm_hub.auditing.vote import CALLED_UNANSWERABLE
from auditdm_hub.errors import RunError
from auditdm_hub.records import Judged
from auditdm_hub.releases.schema import split_of

HELD_OUT = 10  # one source image in so many
MOST_REPEATS = 4
MOST_RETURNS = 2
"""Of what was forgotten: more leave too little room for what cannot be answered."""
UNTYPED = ""
REPLAY, FORGOTTEN = "replay", "forgotten"
KEPT = (REPLAY, FORGOTTEN)
"""Parts of what the target shall go on answering as it does."""


@dataclass(frozen=True, slots=True)
class Example:
    """A row of training: `label` is the answer to give; `part` the failure type, "" for none.

    Of a replay it is "replay"; "forgotten" of one that a first adapter answered otherwise.
    """

    image_sha: str
    question: str
    label: str
    part: str
    source_image_sha: str


@dataclass(frozen=True, slots=True)
class Mixture:
    """How examples are chosen.

    `agreement` is the least share of reference families that have to agree; `replay` the share of agreements among
    all rows, in [0, 1); `size` the most rows; `actions` whose probes give lessons (none = all).
    """

    agreement: float = 0.6
    replay: float = 0.5
    size: int = 4000
    actions: tuple[str, ...] = ()
    seed: int = 0


def candidates(
    judged: Iterable[Judged], kinds: Mapping[str, str], mixture: Mixture, answers: Mapping[str, str] | None = None
) -> Iterator[Example]:
    """Yield what exchanges of an audit can teach or keep.

    Args:
        judged: the exchanges.
        kinds: id of a failure -> its failure type.
        mixture: how to choose.
        answers: id of a probe -> the answer that its data set gives; it goes before the consensus.
    """
    known = answers or {}
    for row in judged:
        label = known.get(row.probe.id, row.verdict.consensus)
        if not (_may_teach(row) and label and (row.probe.id in known or row.verdict.agreement >= mixture.agreement)):
            continue
        failed, kept = _outcome(row, label) if row.probe.id in known else (row.failed, _kept(row))
        if failed and (not mixture.actions or row.probe.action in mixture.actions):
            yield _example(row, label, kinds.get(row.probe.id, UNTYPED))
        elif kept:
            yield _example(row, label, REPLAY)


def choose(given: Iterable[Example], mixture: Mixture) -> list[Example]:
    """Return the rows to train on, in their order.

    Args:
        given: what there is; the same question about an image counts once.
        mixture: how to choose.

    Raises:
        RunError: there is no lesson among them.
    """
    rng = random.Random(f"mixture {mixture.seed}")
    lessons: dict[str, dict[tuple[str, str], Example]] = defaultdict(dict)
    replays: dict[tuple[str, str], dict[tuple[str, str], Example]] = defaultdict(dict)
    forgotten: dict[str, dict[tuple[str, str], Example]] = defaultdict(dict)
    for row in given:
        key = row.image_sha, row.question
        if row.part == REPLAY:
            replays[frame(row.question), row.label].setdefault(key, row)
        elif row.part == FORGOTTEN:
            forgotten[frame(row.question)].setdefault(key, row)
        else:
            lessons[row.part].setdefault(key, row)
    if not lessons:
        raise RunError("the audit has no failure that can be learned from: there is nothing to rectify")
    wanted = round(mixture.size * (1 - mixture.replay))
    taught = _balanced([list(every.values()) for _, every in sorted(lessons.items())], wanted, MOST_REPEATS, rng)
    count = round(len(taught) * mixture.replay / (1 - mixture.replay))
    again = _balanced([list(every.values()) for _, every in sorted(forgotten.items())], count // 2, MOST_RETURNS, rng)
    kept = _balanced([list(every.values()) for _, every in sorted(replays.items())], count - len(again), 1, rng)
    rows = [*taught, *again, *kept]
    rng.shuffle(rows)
    return rows


def divide(rows: Sequence[Example]) -> tuple[list[Example], list[Example]]:
    """Return rows to train on, and rows about other source images to tell when to stop (each of them once)."""
    kept = [row for row in rows if not _held_out(row)]
    held = list(dict.fromkeys(row for row in rows if _held_out(row)))
    return (kept, held) if kept and held else (list(rows), [])


def may_teach(source_image_sha: str) -> bool:
    """Whether what was made of a source image may be trained on: it confirms nothing, and tests nothing."""
    return stage_of(source_image_sha) not in ("confirm", "test") and split_of(source_image_sha) == "train"


def _may_teach(row: Judged) -> bool:
    """Whether a probe could be asked, about an image that may be trained on."""
    return not row.probe.fault and may_teach(row.probe.source_image_sha)


def _outcome(row: Judged, label: str) -> tuple[bool, bool]:
    """Whether the target's answer is wrong and right, against one that its data set gives."""
    said = row.exchange.target_answer
    right = normalise(said or "") == normalise(label)
    return said is not None and not right, right


def _kept(row: Judged) -> bool:
    """Whether the target does what the references do: it agrees with them, or refuses as they refuse."""
    refused = row.verdict.reason == CALLED_UNANSWERABLE and _outcome(row, row.verdict.consensus)[1]
    return refused or row.verdict.outcome == "agreement"


def _example(row: Judged, label: str, part: str) -> Example:
    return Example(row.probe.image_sha, row.probe.question, label, part, row.probe.source_image_sha)


def _held_out(row: Example) -> bool:
    return int(row.source_image_sha[16:24], 16) % HELD_OUT == 0


def _balanced(groups: Sequence[Sequence[Example]], count: int, repeats: int, rng: random.Random) -> list[Example]:
    """Return at most `count` rows, as equally from the groups as they allow; a row comes `repeats` times at most."""
    if count < 1:
        return []
    order = [rng.sample(list(group), len(group)) for group in groups if group]
    room = [len(group) * repeats for group in order]
    share = _share(room, count)
    rows = [
        group[place % len(group)] for group, most in zip(order, room, strict=True) for place in range(min(most, share))
    ]
    return rows if len(rows) <= count else rng.sample(rows, count)  # there are more groups than rows are wanted


def _share(room: Sequence[int], count: int) -> int:
    """Return the largest equal share of groups with so much room that adds up to no more than a count (at least 1)."""
    low, high = 1, max(room, default=1)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if sum(min(each, middle) for each in room) <= count else (low, middle - 1)
    return low
