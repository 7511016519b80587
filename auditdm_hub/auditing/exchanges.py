"""Judged trials as rows of a parquet table, and back."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from auditdm_hub.records import Exchange, Judged, Probe, Verdict

TEXTS = (
    "auditor", "seed_id", "action", "text", "question", "question_source", "image_sha", "image_source", "instruction",
    "source_image_sha", "fault", "theme", "wish",
)  # fmt: skip
SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        *((name, pa.string()) for name in TEXTS),
        ("attempt", pa.int64()),
        ("target_answer", pa.string()),
        ("reference_answers", pa.list_(pa.struct([("model", pa.string()), ("answer", pa.string())]))),
        ("outcome", pa.string()),
        ("consensus", pa.string()),
        ("agreement", pa.float64()),
        ("reason", pa.string()),
    ]
)


def to_row(judged: Judged) -> dict[str, object]:
    """Return a trial as a row of `SCHEMA`."""
    probe, exchange, verdict = judged.probe, judged.exchange, judged.verdict
    return {
        "id": probe.id,
        **{name: getattr(probe, name) for name in TEXTS},
        "attempt": probe.attempt,
        "target_answer": exchange.target_answer,
        "reference_answers": [
            {"model": model, "answer": answer} for model, answer in exchange.reference_answers.items()
        ],
        "outcome": verdict.outcome,
        "consensus": verdict.consensus,
        "agreement": verdict.agreement,
        "reason": verdict.reason,
    }


def from_row(row: Mapping[str, Any]) -> Judged:
    """Return the trial that `to_row` wrote."""
    probe = Probe(attempt=row["attempt"], **{name: row[name] for name in TEXTS})
    answers = {item["model"]: item["answer"] for item in row["reference_answers"]}
    verdict = Verdict(row["outcome"], row["consensus"], row["agreement"], row["reason"])
    return Judged(Exchange(probe, row["target_answer"], answers), verdict)
