"""Semantic versions of a release: `v1.2.3`, which is also the name of its tag."""

import re
from dataclasses import dataclass
from typing import Literal, Self

from auditdm_hub.errors import ReleaseError

Bump = Literal["patch", "minor", "major"]
BUMPS: tuple[Bump, ...] = ("patch", "minor", "major")
"""From the smallest to the largest."""
PATTERN = re.compile(r"v?(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")


@dataclass(frozen=True, slots=True, order=True)
class Version:
    """A version; versions are ordered by their numbers."""

    major: int
    minor: int
    patch: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the version that "v1.2.3" or "1.2.3" names.

        Raises:
            ReleaseError: the text is no such version.
        """
        found = PATTERN.fullmatch(text)
        if not found:
            raise ReleaseError(f"got version {text!r}, wanted three numbers such as v1.0.0")
        return cls(*(int(part) for part in found.groups()))

    @classmethod
    def find(cls, texts: list[str]) -> list[Self]:
        """Return the versions among names of tags, in order; other names are passed over."""
        return sorted(cls.parse(text) for text in texts if text.startswith("v") and PATTERN.fullmatch(text))

    def bumped(self, bump: Bump) -> "Version":
        """Return the next version after a change of that size."""
        if bump == "major":
            return Version(self.major + 1, 0, 0)
        return (
            Version(self.major, self.minor + 1, 0)
            if bump == "minor"
            else Version(self.major, self.minor, self.patch + 1)
        )

    def bump_from(self, old: "Version") -> Bump | None:
        """Return how large the step from an older version to this one is; None if this is no newer one."""
        if self <= old:
            return None
        if self.major > old.major:
            return "major"
        return "minor" if self.minor > old.minor else "patch"

    def __str__(self) -> str:
        return f"v{self.major}.{self.minor}.{self.patch}"


FIRST = Version(1, 0, 0)
