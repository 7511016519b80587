"""What stands behind the name of a model: the commit on the Hub, or the content of a local folder."""

import hashlib
from pathlib import Path

from huggingface_hub import try_to_load_from_cache

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


def split_pin(name: str) -> tuple[str, str | None]:
    """Part NAME@REVISION; a folder, and a name without a pin, have none."""
    if Path(name).is_dir() or "@" not in name or "://" in name:
        return name, None
    base, _, pin = name.rpartition("@")
    return base, pin


def versioned(name: str, commit: str | None = None, revision: str | None = None) -> str:
    """Return "name@revision": of a folder its own name and content, of a model of the Hub its commit.

    Args:
        name: as it was loaded.
        commit: of the Hub, if it is known; default: the one that the local cache of the Hub holds.
        revision: branch, tag or commit that was asked for; default: main.
    """
    name, pin = split_pin(name)
    revision = revision or pin
    folder = Path(name)
    if folder.is_dir():
        return f"{folder.resolve().name}@{folder_revision(folder)}"
    commit = commit or _cached_commit(name, revision)
    return f"{name}@{commit[:12]}" if commit else name


def _cached_commit(name: str, revision: str | None) -> str | None:
    for file in ("adapter_config.json", "config.json", "model_index.json"):
        path = try_to_load_from_cache(name, file, revision=revision)
        if isinstance(path, str):
            return Path(path).parent.name  # .../snapshots/<commit>/<file>
    return None
