"""Before and after: what `evaluation.json` holds of two models on the same items, and what cards and reports show."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from auditdm_hub.errors import RunError
from auditdm_hub.models.loading import WEIGHTS
from auditdm_hub.statistics import holm

FILE = "evaluation.json"


@dataclass(frozen=True, slots=True)
class Measured:
    """A share with its 95% interval, of `trials`; `rate`, `low` and `high` in [0, 1]."""

    rate: float
    low: float
    high: float
    trials: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """Before and after on the same items: of a failure type (an error rate) or of a benchmark (a score).

    `better` is "lower" or "higher". `low` and `high` end the 95% interval of after - before; `p_value` is of a paired
    test, corrected for the number of comparisons. `dataset_id`, `task_id` and `revision` name a benchmark's data ("").
    """

    name: str
    metric: str
    better: str
    before: Measured
    after: Measured
    difference: float
    low: float
    high: float
    p_value: float | None = None
    dataset_id: str = ""
    task_id: str = ""
    revision: str = ""

    @property
    def regressed(self) -> bool:
        """Whether it got worse, and the interval excludes that it did not."""
        return self.low > 0 if self.better == "lower" else self.high < 0


def corrected(comparisons: Sequence[Comparison]) -> tuple[Comparison, ...]:
    """Return comparisons with their p-values corrected for their number (Holm), regressions first, then by name."""
    tested = [each for each in comparisons if each.p_value is not None]
    adjusted = dict(zip((each.name for each in tested), holm([each.p_value or 0.0 for each in tested]), strict=True))
    found = (replace(each, p_value=adjusted.get(each.name)) for each in comparisons)
    return tuple(sorted(found, key=lambda each: (not each.regressed, each.name)))


def weights_of(adapter: Path) -> str:
    """Return the SHA-256 of an adapter's weights; "" if the folder has none."""
    file = adapter / WEIGHTS
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else ""


def read_comparisons(file: Path) -> tuple[Comparison, ...]:
    """Return what evaluation.json says of before and after; nothing if there was no evaluation.

    Raises:
        RunError: the file is not what was written.
    """
    if not file.is_file():
        return ()
    try:
        return tuple(_parsed(json.loads(file.read_text())["comparisons"]))
    except (ValueError, KeyError, TypeError):
        raise RunError(f"{file} is damaged, or was written by another version") from None


def _parsed(rows: Iterable[dict[str, object]]) -> Iterable[Comparison]:
    for row in rows:
        parts = {name: Measured(**row[name]) for name in ("before", "after")}  # type: ignore[arg-type]
        yield Comparison(**{**row, **parts})  # type: ignore[arg-type]
