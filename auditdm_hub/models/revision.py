"""What stands behind the name of a model: the commit on the Hub, or the content of a local folder."""

import hashlib
from pathlib import Path

# What can change an answer: weights, configuration, tokenizer, chat template.
PATTERNS = ("*.safetensors", "*.json", "*.jinja", "*.model", "*.txt")


def folder_revision(folder: Path) -> str:
    """Return the first 12 hex digits of a hash over the folder's weights, configuration and tokenizer.

    A folder that is overwritten in place gets another revision, and so misses every cache.
    """
    digest = hashlib.sha256()
    for path in sorted({path for pattern in PATTERNS for path in folder.glob(pattern)}):
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        digest.update(f"{path.name} {content}\n".encode())
    return digest.hexdigest()[:12]


def versioned(name: str, commit: str | None) -> str:
    """Return "name@revision": of a folder its own name and content, of a model of the Hub its commit."""
    folder = Path(name)
    if folder.is_dir():
        return f"{folder.resolve().name}@{folder_revision(folder)}"
    return f"{name}@{commit[:12]}" if commit else name
