"""Paths of one machine in texts: they say who made a release and where, and lead nowhere for anybody else."""

import re
from collections.abc import Iterator

# What absolute paths begin with; a path of the web or of a repository does not.
ROOTS = "home|root|Users|tmp|var|mnt|media|data|workspace|work|opt|srv|scratch|private|content|kaggle"
PATTERNS = (
    re.compile(rf"(?<![\w/.:~-])/(?:{ROOTS})/[\w.@+-]+"),
    re.compile(r"(?<!\w)[A-Za-z]:\\[\w.@ +-]+"),
    re.compile(r"(?<!\w)\\\\[\w.-]+\\[\w.$-]+"),
    re.compile(r"\bfile:/{2,3}[\w/.]+"),
    re.compile(r"(?<![\w/])~/[\w.@+-]+/"),
)


def local_paths_in(text: str) -> Iterator[str]:
    """Yield the paths of one machine that a text holds."""
    if "/" not in text and "\\" not in text:
        return
    for pattern in PATTERNS:
        yield from (found[0] for found in pattern.finditer(text))
