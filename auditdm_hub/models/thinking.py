"""What a model says once it has thought: thoughts are no answer, and an answer that was never reached is none."""

OPENED, CLOSED = "<think>", "</think>"


def spoken(text: str) -> str | None:
    """Return what follows a model's thoughts; None if they were cut off before their end."""
    before, closed, after = text.rpartition(CLOSED)
    if not closed:
        return None if text.lstrip().startswith(OPENED) else text
    del before
    return after.strip()
