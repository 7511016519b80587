"""What a model says once it has thought: thoughts are no answer, and an answer that was never reached is none."""

OPENED, CLOSED = "<think>", "</think>"


def opens_thoughts(prompt: str) -> bool:
    """Whether a prompt ends where the model is to think, so that its own text has no mark of that."""
    return prompt.rstrip().endswith(OPENED)


def spoken(text: str, opened: bool = False) -> str | None:
    """Return what follows a model's thoughts; None if they were cut off before their end.

    Args:
        text: what the model wrote.
        opened: the prompt began its thoughts.
    """
    _, closed, after = text.rpartition(CLOSED)
    if not closed:
        return None if opened or text.lstrip().startswith(OPENED) else text
    return after.strip()
