"""The vote: what the references agree on, and whether the target contradicts it.

1. Each *family* of models has one vote: models of one lineage share their mistakes, so three sizes of one model are not
   three witnesses. A family whose members disagree, or that gave no answer, abstains.
2. The consensus is the largest group of families whose answers all mean the same, if it has at least `quorum` members
   and no other group is as large. It is what most references say, not the truth.
3. The target fails where its answer does not mean the same as the consensus: s(Q*, I*) of arXiv 2512.16921. The paper
   does not say how its ensemble votes; families, quorum and abstention are ours.
4. A trial is invalid, never a failure, if it could not be asked, if an answer that was needed was not got, if the judge
   gave no judgement, or if the references say that the question cannot be answered.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations

from auditdm_hub.auditing.normalise import normalise
from auditdm_hub.clock import part as timed
from auditdm_hub.protocols import Judge
from auditdm_hub.records import UNANSWERABLE, Exchange, Verdict

NO_TARGET = "no answer from target"
NO_REFERENCES = "no answer from references"
NO_JUDGEMENT = "no judgement from judge"
CALLED_UNANSWERABLE = "references call it unanswerable"
# A fault of the machinery, not of the trial.
MISSING = frozenset({NO_TARGET, NO_REFERENCES, NO_JUDGEMENT})

Question = tuple[str, str, str]
"""Question and two answers in order of the alphabet."""


def vote(exchanges: Sequence[Exchange], judge: Judge, families: Mapping[str, str], quorum: int = 0) -> list[Verdict]:
    """Judge every exchange.

    Args:
        exchanges: with the answers of the target and of the references.
        judge: decides what means the same; asked at most twice, with all distinct pairs at once.
        families: model id -> family of each reference that votes; answers of others (a holdout) are not counted.
        quorum: how many families must agree; 0 = more than half of them, and at least two where there are two.

    Returns:
        One verdict per exchange. `agreement` is the share of all voting families that is behind the consensus.

    Raises:
        ValueError: no reference votes, or the quorum cannot be reached.
    """
    total = len(set(families.values()))
    needed = least_agreeing(total, quorum)
    ballots = [_ballots(exchange, families) for exchange in exchanges]
    same = _judgements(
        judge,
        (pair for exchange, ballot in zip(exchanges, ballots, strict=True) for pair in _pairs(exchange, ballot)),
    )
    groups = [
        _consensus(exchange.probe.question, ballot, needed, same)
        for exchange, ballot in zip(exchanges, ballots, strict=True)
    ]
    same |= _judgements(
        judge,
        (
            _ordered(exchange.probe.question, exchange.target_answer, _spokesman(group))
            for exchange, group in zip(exchanges, groups, strict=True)
            if group and exchange.target_answer is not None
        ),
    )
    return [
        _verdict(exchange, ballot, group, same, families)
        for exchange, ballot, group in zip(exchanges, ballots, groups, strict=True)
    ]


def consensuses(
    exchanges: Sequence[Exchange], judge: Judge, families: Mapping[str, str], quorum: int = 0
) -> list[str | None]:
    """Return what the references agree on, whatever the target says; None where they do not, or call it unanswerable.

    The arguments are those of `vote`, whose consensus it is.
    """
    needed = least_agreeing(len(set(families.values())), quorum)
    ballots = [_ballots(exchange, families) for exchange in exchanges]
    rows = list(zip(exchanges, ballots, strict=True))
    same = _judgements(judge, (pair for exchange, ballot in rows for pair in _pairs(exchange, ballot)))
    groups = [_consensus(exchange.probe.question, ballot, needed, same) for exchange, ballot in rows]
    said = [_spokesman(group) if group else None for group in groups]
    return [None if each is None or normalise(each) == UNANSWERABLE else each for each in said]


def least_agreeing(families: int, quorum: int = 0) -> int:
    """Return how many of so many families must agree.

    Raises:
        ValueError: there is no family, or the quorum is negative or more than there are.
    """
    if families < 1:
        raise ValueError("got no reference that votes, wanted at least one: pass the family of each reference")
    if not 0 <= quorum <= families:
        raise ValueError(f"got quorum {quorum}, wanted 1 to {families} (families of references), or 0 for the majority")
    return quorum or max(families // 2 + 1, min(2, families))


def _ballots(exchange: Exchange, families: Mapping[str, str]) -> dict[str, list[str]]:
    """Family -> answers of its members; silence and empty answers are left out."""
    ballots: dict[str, list[str]] = {}
    if not exchange.probe.fault:
        for model, answer in sorted(exchange.reference_answers.items()):
            if model in families and answer is not None and answer.strip():
                ballots.setdefault(families[model], []).append(answer)
    return ballots


def _pairs(exchange: Exchange, ballot: Mapping[str, Sequence[str]]) -> Iterable[Question]:
    answers = sorted({answer for members in ballot.values() for answer in members})
    return ((exchange.probe.question, a, b) for a, b in combinations(answers, 2))


def _judgements(judge: Judge, pairs: Iterable[Question]) -> dict[Question, bool | None]:
    wanted = sorted({pair for pair in pairs if pair[1] != pair[2]})
    if not wanted:
        return {}
    questions, a, b = zip(*wanted, strict=True)
    with timed("judge"):
        return dict(zip(wanted, judge.same(questions, a, b), strict=True))


def _ordered(question: str, a: str, b: str) -> Question:
    return (question, a, b) if a <= b else (question, b, a)


def _all_same(question: str, answers: Iterable[str], same: Mapping[Question, bool | None]) -> bool:
    pairs = combinations(sorted(set(answers)), 2)
    return all(same[(question, a, b)] for a, b in pairs)


def _consensus(
    question: str, ballots: Mapping[str, Sequence[str]], needed: int, same: Mapping[Question, bool | None]
) -> list[list[str]] | None:
    """Return the answers of each family of the largest agreeing group; [] = no consensus, `None` = no judgement."""
    answers = sorted({answer for members in ballots.values() for answer in members})
    if any(same[(question, a, b)] is None for a, b in combinations(answers, 2)):
        return None
    # A divided family agrees with nobody, not even with itself.
    for size in range(len(ballots), needed - 1, -1):
        agreeing = [
            list(map(list, group))
            for group in combinations(ballots.values(), size)
            if _all_same(question, (answer for members in group for answer in members), same)
        ]
        if agreeing:
            return agreeing[0] if len(agreeing) == 1 else []
    return []


def _spokesman(group: Sequence[Sequence[str]]) -> str:
    """Return the answer that most models of the group gave; of equals the shortest, then the first of the alphabet."""
    counts = Counter(answer.strip() for members in group for answer in members)
    return min(counts, key=lambda answer: (-counts[answer], len(answer), answer))


def _verdict(
    exchange: Exchange,
    ballots: Mapping[str, Sequence[str]],
    group: Sequence[Sequence[str]] | None,
    same: Mapping[Question, bool | None],
    families: Mapping[str, str],
) -> Verdict:
    reason = _why_invalid(exchange, families)
    if reason or group is None:
        return Verdict("invalid", "", 0.0, reason or NO_JUDGEMENT)
    total = len(set(families.values()))
    if not group:
        return Verdict("no_consensus", "", 0.0, f"{len(ballots)} of {total} families answered, too few of them agree")
    consensus, agreement = _spokesman(group), len(group) / total
    if normalise(consensus) == UNANSWERABLE:
        return Verdict("invalid", consensus, agreement, CALLED_UNANSWERABLE)
    assert exchange.target_answer is not None
    pair = _ordered(exchange.probe.question, exchange.target_answer, consensus)
    agrees = pair[1] == pair[2] or same[pair]
    if agrees is None:
        return Verdict("invalid", consensus, agreement, NO_JUDGEMENT)
    return Verdict("agreement" if agrees else "failure", consensus, agreement)


def _why_invalid(exchange: Exchange, families: Mapping[str, str]) -> str:
    if exchange.probe.fault:
        return exchange.probe.fault
    if exchange.target_answer is None:
        return NO_TARGET
    voters = [answer for model, answer in exchange.reference_answers.items() if model in families]
    return "" if any(answer is not None for answer in voters) else NO_REFERENCES
