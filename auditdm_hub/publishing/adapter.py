"""A LoRA adapter as a release: its weights, a configuration without local paths, and what is known of it.

MAJOR: another base, or other modules that it changes. MINOR: other weights. PATCH: the card.
"""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from auditdm_hub.errors import ReleaseError
from auditdm_hub.models.loading import WEIGHTS
from auditdm_hub.publishing.difference import Difference
from auditdm_hub.publishing.facts import Adapter, AdapterCard
from auditdm_hub.publishing.gates import Gates
from auditdm_hub.publishing.license_files import adapter_notice, license_files
from auditdm_hub.publishing.licenses import join
from auditdm_hub.publishing.plan import TOOL, Plan, as_json, changelog, empty_folder, files_below, finish
from auditdm_hub.releases.manifest import Change, Manifest
from auditdm_hub.releases.version import FIRST, Bump, Version
from auditdm_hub.tables import read_rows

CONFIG = "adapter_config.json"
ROWS = "training.parquet"
KEPT = (".safetensors", ".json", ".jinja", ".model", ".txt")
LEFT_OUT = ("trainer_state.json", "training_args.json")
"""Of the training, not of the adapter."""


@dataclass(frozen=True, slots=True)
class AdapterWish:
    """What a user asks for."""

    name: str
    on_hub: bool
    version: Version | None = None
    extra_texts: Mapping[str, bytes] = field(default_factory=dict)


def plan_adapter(
    source: Path, facts: Adapter, wish: AdapterWish, last: Manifest | None, card: AdapterCard, folder: Path
) -> Plan:
    """Copy an adapter below a folder, describe it, and return the plan of its release.

    Args:
        source: the folder of the adapter.
        facts: what is known of it; `license` and `version` are set here.
        wish: as what.
        last: the newest release of it.
        card: writes README.md and what goes with it.
        folder: is emptied first.

    Raises:
        ReleaseError: it is no adapter, a gate refuses, or the version is too small a step.
    """
    empty_folder(folder)
    config = _copy(source, folder, facts.base)
    gates = Gates()
    if facts.rows:
        shutil.copyfile(facts.rows, folder / ROWS)
        for number, row in enumerate(read_rows(facts.rows)):
            gates.check_row(ROWS, str(number), row, "leave --training-rows out")
    gates.check_adapter(folder)
    gates.refuse()
    facts = replace(facts, license=join([facts.base_license]))
    files = files_below(folder)
    modules = config.get("target_modules")
    shape = {"target_modules": json.dumps(sorted(modules) if isinstance(modules, list) else modules)}
    draft = Manifest(
        kind="adapter", name=wish.name, version=FIRST, previous=None, license=facts.license.id,
        date=str(facts.audits[-1]["date"]) if facts.audits else "", tool=TOOL,
        models=(facts.base,), rows={}, types={}, files=files, content="", columns={"adapter": shape},
    )  # fmt: skip

    def describe(version: str, changes: tuple[Change, ...]) -> Mapping[str, bytes]:
        found = replace(facts, version=version, changes=changes)
        written = {
            **license_files([found.base_license], wish.extra_texts),
            "NOTICE": adapter_notice(found),
            "CHANGELOG.md": changelog(found.name, changes),
            **{f"audits/{number}.json": as_json(audit) for number, audit in enumerate(found.audits)},
            **card(found),
        }
        for path, data in written.items():
            gates.check_file(path, data)
        gates.refuse()
        return written

    plan = finish(folder, draft, describe, lambda new: adapter_difference(last, new), last, wish.version)
    return replace(plan, checked=gates.counts)


def adapter_difference(old: Manifest | None, new: Manifest) -> Difference:
    """Return what changed between two releases of an adapter."""
    if old is None:
        return Difference(())
    changes: list[tuple[Bump, str]] = []
    if old.models != new.models:
        changes.append(("major", f"base: {', '.join(new.models)} instead of {', '.join(old.models)}"))
    if old.columns != new.columns:
        changes.append(("major", "the adapter changes other modules of its base"))
    if old.license != new.license:
        changes.append(("major", f"licence: {new.license} instead of {old.license}"))
    if old.files.get(WEIGHTS) != new.files.get(WEIGHTS):
        changes.append(("minor", "trained again: other weights"))
    if not changes and old.content != new.content:
        changes.append(("patch", "card, wording or metadata"))
    return Difference(tuple(changes))


def base_of(source: Path) -> str:
    """Return the base model that an adapter names.

    Raises:
        ReleaseError: the folder holds no adapter.
    """
    return str(_config(source).get("base_model_name_or_path") or "")


def _copy(source: Path, folder: Path, base: str) -> dict[str, Any]:
    """Copy what belongs to the adapter; its configuration names the base as the Hub does."""
    config = {**_config(source), "base_model_name_or_path": base.partition("@")[0]}
    for path in sorted(source.iterdir()):
        if path.is_file() and path.suffix in KEPT and path.name not in (*LEFT_OUT, CONFIG):
            shutil.copyfile(path, folder / path.name)
    (folder / CONFIG).write_bytes(as_json(config))
    return config


def _config(source: Path) -> dict[str, Any]:
    try:
        config = json.loads((source / CONFIG).read_text())
    except (FileNotFoundError, NotADirectoryError):
        raise ReleaseError(f"{source} is no adapter: it has no {CONFIG}") from None
    except ValueError as error:
        raise ReleaseError(f"{source / CONFIG} is not JSON ({error})") from None
    if not isinstance(config, dict) or not (source / WEIGHTS).is_file():
        raise ReleaseError(f"{source} is no adapter: it has no {WEIGHTS}")
    return config
