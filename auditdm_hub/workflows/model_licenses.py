"""Which licence a model of a run is under: what the user says, its own card, or the card on the Hub."""

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path

from auditdm_hub.config import PLAYGROUND
from auditdm_hub.errors import ConfigError
from auditdm_hub.models.revision import versioned
from auditdm_hub.playground.backends import LICENCE
from auditdm_hub.playground.models import NAMES, model_folder
from auditdm_hub.runs import Run

OURS = ("playground-editor", "playground-generator")
ROLES = ("target", "holdout", "auditor", "judge", "embedder", "generator", "editor")


def license_lookup(run: Run, stated: Mapping[str, str]) -> Callable[[str], str]:
    """Return what tells the licence of a model of a run by its id (name@revision[+adapter]); "" if nobody knows it.

    Args:
        run: names the models, some of them as folders.
        stated: name of a model (without revision) -> its licence, said by the user; goes before anything else.
    """
    folders: dict[str, list[Path]] = {}
    for folder in dict.fromkeys(each.resolve() for each in _folders(run)):
        folders.setdefault(folder.name, []).append(folder)

    @cache
    def look_up(identity: str) -> str:
        base = identity.partition("+")[0]
        name = base.partition("@")[0]
        there = folders.get(name, [])
        if len(there) > 1 and name in stated:
            raise ConfigError(f"--model-license {name}: {there[0]} and {there[1]} are called so: rename a folder")
        if len(there) > 1:  # their content tells them apart
            there = [folder for folder in there if versioned(str(folder)) == base]
        if name in stated:
            return stated[name]
        if name in OURS:
            return LICENCE.lower()
        if there:
            return card_license(there[0] / "README.md")
        return _of_hub(name) if "/" in name else ""

    return look_up


def _folders(run: Run) -> Iterator[Path]:
    names = [run.config.get(role) for role in ROLES] + list(run.config.get("references") or [])
    yield from (Path(name) for name in names if isinstance(name, str) and Path(name).is_dir())
    if run.config.get("target") == PLAYGROUND or PLAYGROUND in names:
        yield from (model_folder(part) for part in NAMES)


def card_license(card: Path) -> str:
    """Return the licence that a model's card states; "" if there is no card, or none in it."""
    from huggingface_hub import ModelCard

    if not card.is_file():
        return ""
    data = ModelCard.load(card).data
    name = data.get("license")
    return str((data.get("license_name") if name == "other" else name) or "")


def _of_hub(name: str) -> str:
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import (
        EntryNotFoundError,
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
    )

    try:
        return card_license(Path(hf_hub_download(name, "README.md")))
    except (EntryNotFoundError, HfHubHTTPError, HFValidationError, LocalEntryNotFoundError):
        return ""
