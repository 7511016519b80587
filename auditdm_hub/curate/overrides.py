"""`curation.yaml`: what a person decided about types and rows. It lies in the run folder and survives re-runs.

Decisions are keyed by the names that curation proposes and by probe ids. A key that a re-run no longer produces does
nothing and is reported as unused: it is no error, since it may come back with the next run.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from auditdm_hub.errors import ConfigError

FILE_NAME = "curation.yaml"
TEMPLATE = """\
# Your decisions on the failure types of this run. They are applied each time the run is curated.
# Order: drop_rows, then merge, then rename, then drop_types. Remove the "# " in front of what you use.

# rename:                       # proposed or merged name: your name
#   counting more than 4 objects: crowded scenes

# merge:                        # name of the merged type: the types that it replaces (two or more)
#   telling sides apart: [telling left from right, telling above from below]

# drop_types:                   # names; their failures become "unassigned"
#   - reading the letters e and f

# drop_rows:                    # probe id: why
#   0123456789abcdef: the references are wrong
"""


@dataclass(frozen=True, slots=True)
class Overrides:
    """The decisions of one `curation.yaml`."""

    rename: Mapping[str, str] = field(default_factory=dict)
    merge: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    drop_types: tuple[str, ...] = ()
    drop_rows: Mapping[str, str] = field(default_factory=dict)


def read_overrides(folder: Path) -> Overrides:
    """Return the decisions in a run folder; writes a template of comments where there is no file.

    Raises:
        ConfigError: the file is no YAML, or has an unknown key or a wrong type. The message is one line.
    """
    path = folder / FILE_NAME
    if not path.exists():
        path.write_text(TEMPLATE, encoding="utf-8")
        return Overrides()
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from error
    return _parse(path, content)


def _parse(path: Path, content: object) -> Overrides:
    if content is None:
        return Overrides()
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: expected the keys {_keys()}, got a {type(content).__name__}")
    for key in content:
        if key not in Overrides.__dataclass_fields__:
            raise ConfigError(f"{path}: unknown key {key!r}; the keys are {_keys()}")
    merge = _mapping(path, "merge", content.get("merge"))
    overrides = Overrides(
        rename=_names(path, "rename", content.get("rename")),
        merge={name: _strings(path, f"merge: {name}", parts) for name, parts in merge.items()},
        drop_types=_strings(path, "drop_types", content.get("drop_types") or []),
        drop_rows=_names(path, "drop_rows", content.get("drop_rows")),
    )
    _check_merges(path, overrides)
    return overrides


def _check_merges(path: Path, overrides: Overrides) -> None:
    seen: dict[str, str] = {}
    for name, parts in overrides.merge.items():
        if len(set(parts)) < 2:
            raise ConfigError(f"{path}: merge: {name}: expected two or more types, got {len(set(parts))}; use rename")
        for part in parts:
            if seen.setdefault(part, name) != name:
                raise ConfigError(f"{path}: merge: {part!r} is merged into both {seen[part]!r} and {name!r}; keep one")
    targets = list(overrides.rename.values())
    for name in targets:
        if targets.count(name) > 1:
            raise ConfigError(f"{path}: rename: two types are renamed to {name!r}; use merge to join them")


def _mapping(path: Path, key: str, value: object) -> dict[str, object]:
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(isinstance(name, str) for name in value):
        raise ConfigError(f"{path}: {key}: expected a mapping from names (quote names that are numbers), got {value!r}")
    return value


def _names(path: Path, key: str, value: object) -> dict[str, str]:
    result = {}
    for name, text in _mapping(path, key, value).items():
        if not isinstance(text, str) or not text.strip():
            raise ConfigError(f"{path}: {key}: {name}: expected a text, got {text!r}")
        result[name] = text.strip()
    return result


def _strings(path: Path, key: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(part, str) and part for part in value):
        raise ConfigError(f"{path}: {key}: expected a list of names, got {value!r}")
    return tuple(value)


def _keys() -> str:
    return ", ".join(Overrides.__dataclass_fields__)
