"""Text as it is shown: what models and strangers wrote, and counts with their noun."""

import re


def visible(text: str) -> str:
    """Return a text without what steers a terminal or turns the direction of writing: each such character is shown."""
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)


def shown(text: str) -> str:
    """Return lines of a message as `visible` has each of them."""
    return "\n".join(visible(line) for line in text.splitlines())


_SPECIAL = re.compile(r"([\\`*_\[\]#~|!])|[&<>@$]|:(?=//)|(?<=www)\.", re.IGNORECASE)
"""A backslash disarms the first group; not links that need no brackets, mentions, mathematics and HTML."""


def as_markdown(text: str) -> str:
    """Return a text for a line or a table cell of markdown, so that it reads as it was written."""
    flat = visible(" ".join(text.split()))
    return _SPECIAL.sub(lambda found: f"\\{found[1]}" if found[1] else f"&#{ord(found[0])};", flat)


def plural(count: int, one: str, many: str = "") -> str:
    """Return "1 type" or "2 types"."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
