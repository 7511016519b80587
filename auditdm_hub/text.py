"""Text as it is shown: what models and strangers wrote, and counts with their noun."""


def visible(text: str) -> str:
    """Return a text without what steers a terminal or turns the direction of writing: each such character is shown."""
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)


def plural(count: int, one: str, many: str = "") -> str:
    """Return "1 type" or "2 types"."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
