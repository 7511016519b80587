"""Text that models and strangers wrote, as it may be shown."""


def visible(text: str) -> str:
    """Return a text without what steers a terminal or turns the direction of writing: each such character is shown."""
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)
