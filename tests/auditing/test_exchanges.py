"""Trials survive the way to a table and back."""

from pathlib import Path

import pytest

from auditdm_hub.auditing.exchanges import SCHEMA, from_row, to_row
from auditdm_hub.records import Exchange, Judged, Probe, Verdict
from auditdm_hub.tables import read_rows, write_table

ASKED = Probe("s", "trained", "edit", 2, "<edit> x", "what?", "seed", "a", "edited", "x", "b")
FAULTY = Probe("s", "trained", "question", 0, "", "", "auditor", "a", "original", "", "a", "empty")


@pytest.mark.parametrize(
    "judged",
    [
        Judged(Exchange(ASKED, "red", {"m@1": "blue", "n@2": None}), Verdict("failure", "blue", 0.5)),
        Judged(Exchange(FAULTY, None, {"m@1": None}), Verdict("invalid", "", 0.0, "empty")),
    ],
)
def test_a_row_gives_the_trial_back(tmp_path: Path, judged: Judged) -> None:
    write_table(tmp_path / "t.parquet", [to_row(judged)], SCHEMA)
    (row,) = read_rows(tmp_path / "t.parquet")
    assert from_row(row) == judged
    assert row["id"] == judged.probe.id
