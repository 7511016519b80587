"""A card, taken apart."""

import re
from collections.abc import Mapping


def sections(readme: bytes) -> Mapping[str, str]:
    """Return the sections of a card by their titles."""
    parts = re.split(r"^## (.+)$", readme.decode(), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))
