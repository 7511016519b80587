"""What the names in a run stood for when it began: the commit of a model, the content of a folder, a release."""

import json
from pathlib import Path

from auditdm_hub.atomic import atomic_write_json
from auditdm_hub.errors import ModelError

REVISIONS = "revisions.json"


def keep_revision(run: Path, name: str, identity: str) -> None:
    """Keep what a name stands for, or compare it with what it stood for when the run began.

    Args:
        run: folder of the run; nothing is kept if there is none yet.
        name: as the configuration has it.
        identity: what tells one version from another.

    Raises:
        ModelError: it stands for something else now.
    """
    kept = read_revisions(run)
    if kept.get(name, identity) != identity:
        raise ModelError(
            f"{name} was {kept[name]} when this run began, and is {identity} now: bring that version back, or "
            "begin another run (NAME@COMMIT pins a model of the Hub)"
        )
    if name not in kept and run.is_dir():
        atomic_write_json(run / REVISIONS, {**kept, name: identity})


def read_revisions(run: Path) -> dict[str, str]:
    """Return what each name stood for, as far as it was asked for."""
    file = run / REVISIONS
    found: dict[str, str] = json.loads(file.read_text()) if file.is_file() else {}
    return found
