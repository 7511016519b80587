"""What fresh images said of a run's failure types, as its results and pages show it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from auditdm_hub.report.schema import Results
from auditdm_hub.runs import Run

STAGE = "confirm"
FILE, TABLE = Path("confirm") / "confirmation.json", Path("confirm") / "confirmation.parquet"
SHOWN = (
    "questions",
    "target",
    "aside",
    "controls",
    "aside_model",
    "beyond_aside",
    "beyond_controls",
    "p_value",
    "power",
)


def with_confirmation(run: Run, results: Mapping[str, Any]) -> Results:
    """Return results with the status of each type that was tested on fresh images; as they are if none was.

    Raises:
        RunError: what was written then has been changed.
    """
    if not run.stage_done(STAGE):
        return {**results}  # type: ignore[typeddict-item]
    told = json.loads((run.path / FILE).read_text())
    found = {each["name"]: each for each in told["types"]}
    kinds = [_tested(kind, found.get(kind["name"])) for kind in results["failure_types"]]
    settings = told["settings"]
    summary = {"images": told["images"], "level": settings["level"], "margin": settings["margin"]}
    return {**results, "failure_types": kinds, "confirmation": summary}  # type: ignore[typeddict-item]


def _tested(kind: Mapping[str, Any], found: Mapping[str, Any] | None) -> dict[str, Any]:
    if found is None:
        return dict(kind)
    shown = {name: found[name] for name in SHOWN}
    return {**kind, "status": found["status"], "q_value": found["q_value"], "confirmation": shown}
