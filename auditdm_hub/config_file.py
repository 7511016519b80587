"""Configuration files: YAML read together with the line of every key, so that an error can point at it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from auditdm_hub.errors import ConfigError


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """The keys and values of a YAML file; `lines` maps each dotted key ("training.beta", "actions.1") to its line."""

    path: Path
    values: dict[str, Any]
    lines: dict[str, int] = field(repr=False)


def read_config_file(path: Path) -> ConfigFile:
    """Read a YAML file.

    Raises:
        ConfigError: it cannot be read, is not YAML, is not a mapping, or has a key twice.
    """
    try:
        text = path.read_text(encoding="utf-8")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        values = yaml.safe_load(text)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ConfigError(f"{path}: cannot read this configuration: {reason}") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        raise ConfigError(f"{where}: not YAML: {getattr(error, 'problem', None) or error}") from None
    if node is None:
        return ConfigFile(path, {}, {})
    if not isinstance(node, yaml.MappingNode):
        raise ConfigError(f"{path}:1: got a {type(values).__name__}, wanted lines of `key: value`")
    lines: dict[str, int] = {}
    for key, line in _key_lines(node, ""):
        if key in lines:
            raise ConfigError(f"{path}:{line}: {key}: stands twice, first in line {lines[key]}: remove one")
        lines[key] = line
    return ConfigFile(path, values, lines)


def _key_lines(node: yaml.Node, prefix: str) -> Iterator[tuple[str, int]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            name = f"{prefix}{key.value}"
            yield name, key.start_mark.line + 1
            yield from _key_lines(value, f"{name}.")
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield f"{prefix}{index}", item.start_mark.line + 1
            yield from _key_lines(item, f"{prefix}{index}.")
