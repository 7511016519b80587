"""What a gate finds, and how it refuses."""

from collections.abc import Sequence
from dataclasses import dataclass

from auditdm_hub.errors import ReleaseError
from auditdm_hub.text import visible

SHOWN = 3


@dataclass(frozen=True, slots=True)
class Finding:
    """Why something must not be published: which gate, where (row and column, or file), what, and what to do."""

    gate: str
    where: str
    what: str
    remedy: str

    def __str__(self) -> str:
        return visible(f"{self.where}: {self.what}; {self.remedy}")


def refuse(findings: Sequence[Finding], count: int) -> None:
    """Raise if there are findings.

    Args:
        findings: the first ones.
        count: how many there are in all.

    Raises:
        ReleaseError: names the first few.
    """
    if count:
        more = f" (and {count - SHOWN:,} more findings)" if count > SHOWN else ""
        raise ReleaseError(f"not published: {' | '.join(str(each) for each in findings[:SHOWN])}{more}")
