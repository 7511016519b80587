"""The table of rounds: what each audit of a model found that was repaired after the audit before.

`rounds.json` lies in the folder of the first run, whose report and whose adapter's card show it.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict

from auditdm_hub.errors import RunError

FILE = "rounds.json"
FORMAT_VERSION = 1


class Round(TypedDict):
    """One audit; the first is of the model as it was, each other of the one that the round before repaired.

    `rate`: search success of the auditor that was trained for it (or of the one that there was), of so many `trials`;
    `types`: failure types that it found. `first_types`: (wrong, asked) of the first audit's failures on images of the
    test split, by type; `kept`: of what the first model got right there. `benchmarks`: score by name. `answers` that
    models gave and `seconds` that it took, both with the repair that followed.
    """

    round: int
    run: str
    rate: float
    trials: int
    types: list[str]
    first_types: dict[str, list[int]]
    kept: list[int]
    benchmarks: dict[str, float]
    answers: int
    seconds: float


def read_rounds(run: Path) -> list[Round]:
    """Return the rounds of a run; none if it was repaired at most once.

    Raises:
        RunError: the file is not what was written.
    """
    file = run / FILE
    if not file.is_file():
        return []
    try:
        content = json.loads(file.read_text())
        rounds: list[Round] = content["rounds"]
        if content["format_version"] != FORMAT_VERSION or any(
            set(each) != set(Round.__annotations__) for each in rounds
        ):
            raise ValueError
    except (ValueError, KeyError, TypeError):
        raise RunError(f"{file} is damaged, or was written by another version") from None
    return rounds


def type_names(rounds: Sequence[Round]) -> list[str]:
    """Return the types of the first audit that there were images of the test split for."""
    return list(rounds[0]["first_types"]) if rounds else []


def share(counts: Sequence[int]) -> float:
    """Return wrong / asked."""
    wrong, asked = counts
    return wrong / asked if asked else 0.0
