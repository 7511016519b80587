"""Which requests are answered together: sorted by length, cut into fixed chunks, so that little is padded."""

from collections.abc import Sequence

Key = tuple[int, str, str] | tuple[str, int, str]
"""Tokens of the prompt, question, name of the image; or the name first, to have questions on an image together."""


def chunks(keys: Sequence[Key], size: int) -> list[list[int]]:
    """Cut requests into batches of about equal keys, which begin with what a batch shall have alike.

    The order in which requests arrive makes no difference: the same set of requests always makes the same batches.

    Args:
        keys: one per request.
        size: the most requests in a batch.

    Returns:
        Lists of positions in `keys`; each position once.
    """
    order = sorted(range(len(keys)), key=keys.__getitem__)
    return [order[start : start + size] for start in range(0, len(order), size)]
