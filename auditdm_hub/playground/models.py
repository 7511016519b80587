"""Where the playground's models lie, and which of them plays which part."""

from pathlib import Path

WEIGHTS = Path(__file__).parent / "weights"
TARGET = "target"
REFERENCES = ("reference-gemma3", "reference-llava", "reference-idefics3")
HOLDOUT = "holdout"
AUDITOR = "auditor"
SIBLING = "sibling"
NAMES = (TARGET, *REFERENCES, HOLDOUT, AUDITOR, SIBLING)


def model_folder(name: str) -> Path:
    """Return the folder of one of `NAMES`."""
    return WEIGHTS / name
