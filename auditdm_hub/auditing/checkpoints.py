"""Which checkpoints can be trusted: a seal, written last, names every file with its hash.

transformers writes a checkpoint file by file into its final folder, so a process that is killed meanwhile leaves one
that looks complete. A folder without a seal that fits is torn; it is removed before training goes on, because torn
ones would count as the latest when old checkpoints are cleared away.
"""

import json
import shutil
from pathlib import Path

from auditdm_hub.atomic import atomic_write_json, file_sha256

SEAL = "seal.json"


def seal(folder: Path) -> None:
    """Record the hash of every file in the folder; to be called when all of them are written."""
    atomic_write_json(folder / SEAL, _hashes(folder))


def intact(folder: Path) -> bool:
    """Whether the folder has a seal and its files are those that were sealed."""
    try:
        sealed = json.loads((folder / SEAL).read_text())
    except (OSError, ValueError):
        return False
    return bool(sealed == _hashes(folder))


def latest_intact(folder: Path, prune: bool = True) -> Path | None:
    """Return the intact checkpoint-N of highest N; with `prune` remove the torn ones."""
    found = sorted(folder.glob("checkpoint-*"), key=step_of)
    kept = []
    for checkpoint in found:
        if intact(checkpoint):
            kept.append(checkpoint)
        elif prune:
            shutil.rmtree(checkpoint)
    return kept[-1] if kept else None


def step_of(checkpoint: Path) -> int:
    """Return N of checkpoint-N; -1 for another name."""
    number = checkpoint.name.rpartition("-")[2]
    return int(number) if number.isdigit() else -1


def _hashes(folder: Path) -> dict[str, str]:
    files = sorted(file for file in folder.rglob("*") if file.is_file() and file.name != SEAL)
    return {file.relative_to(folder).as_posix(): file_sha256(file) for file in files}
