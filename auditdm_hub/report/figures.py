"""The figures of a run's auditors: their search success.

Search success = valid target failures / all trials: what could not be parsed, drawn, answered or agreed upon stays in
the denominator. Section 4 of arXiv 2512.16921; the effective number of types beside it is ours, because an auditor
that asks one good question for ever has a success of 100%.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from auditdm_hub.curate import UNASSIGNED, Curation
from auditdm_hub.records import PAIRINGS, Judged, Outcome
from auditdm_hub.report.schema import Rate, SearchSuccess
from auditdm_hub.statistics import effective_number, wilson

OUTCOMES: tuple[Outcome, ...] = ("failure", "agreement", "no_consensus", "invalid")
_SPACES = re.compile(r"\s+")


def success_rate(rows: Sequence[Judged]) -> Rate:
    """Return valid failures / all trials with its Wilson 95% interval; 0 in [0, 1] without trials."""
    return rate_of(sum(row.failed for row in rows), len(rows))


def rate_of(valid: int, trials: int) -> Rate:
    """Return a share with its Wilson 95% interval; 0 in [0, 1] without trials."""
    low, high = wilson(valid, trials)
    return Rate(rate=valid / trials if trials else 0.0, low=low, high=high, valid=valid, trials=trials)


def search_success(rows: Sequence[Judged], curation: Curation, passes: int = 0) -> SearchSuccess:
    """Return what one auditor achieved with these trials; `passes` are offers that it did not want to try."""
    valid = [row for row in rows if row.failed]
    types = Counter(type_of(row.probe.id, curation) for row in valid)
    questions = Counter(_spelling(row.probe.question) for row in valid)
    outcomes = Counter(row.verdict.outcome for row in rows)
    kept = {kept_id(row.probe.id, curation) for row in valid} & curation.assignments.keys()
    by_pairing = {pairing: [row for row in rows if row.probe.pairing == pairing] for pairing in PAIRINGS}
    rate = success_rate(rows)
    return SearchSuccess(
        **rate,
        effective_types=effective_number(count for name, count in types.items() if name not in ("", UNASSIGNED)),
        unique_failures=len(kept),
        distinct_questions=len({_spelling(row.probe.question) for row in rows if row.probe.question}),
        largest_question_share=max(questions.values()) / len(valid) if valid else 0.0,
        passes=passes,
        by_pairing={pairing: success_rate(part) for pairing, part in by_pairing.items() if part},
        by_type=by_frequency({name: count for name, count in types.items() if name}),
        outcomes={outcome: outcomes[outcome] for outcome in OUTCOMES},
        invalid_reasons=reasons(row.verdict.reason for row in rows if row.verdict.outcome == "invalid"),
    )


def kept_id(probe_id: str, curation: Curation) -> str:
    """Return the trial that stands for this one after deduplication."""
    duplicate = curation.dropped.get(probe_id)
    return duplicate.of if duplicate else probe_id


def type_of(probe_id: str, curation: Curation) -> str:
    """Return the type of a failure, or of the one that it repeats; "" for one that was dropped by hand."""
    return curation.assignments.get(kept_id(probe_id, curation), "")


def reasons(texts: Iterable[str]) -> dict[str, int]:
    """Count reasons by what stands before the first colon."""
    return by_frequency(Counter(text.partition(":")[0].strip() or "unknown" for text in texts))


def by_frequency(counts: Mapping[str, int]) -> dict[str, int]:
    """Return the counts, the largest first, equal ones in order of the alphabet."""
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _spelling(question: str) -> str:
    return _SPACES.sub(" ", question.strip().lower())
