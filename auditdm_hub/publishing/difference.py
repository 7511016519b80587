"""What changed between two releases of a data set, and how large a step of the version that requires.

MAJOR  a column, config or split removed or retyped; rows removed; the meaning of a label or the target changed; the
       licence tightened: what worked with the old version may not work with this one.
MINOR  rows, columns, configs, splits or failure types added; rows corrected (their ids go into the changelog).
PATCH  anything else: card, wording, metadata.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow.parquet as pq

from auditdm_hub.releases.manifest import Manifest
from auditdm_hub.releases.version import BUMPS, Bump
from auditdm_hub.text import plural

Rows = Mapping[tuple[str, str], str]
"""(config, id) -> split and digest."""
TYPES = "failure_types"
NAMED = 20
"""Corrected rows that the changelog names one by one."""


@dataclass(frozen=True, slots=True)
class Difference:
    """`changes`: each change with the step that it requires; `rows`: config -> added, removed, changed, unchanged."""

    changes: tuple[tuple[Bump, str], ...]
    rows: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    @property
    def bump(self) -> Bump | None:
        """The step that the changes require; None if nothing changed."""
        return max((bump for bump, _ in self.changes), key=BUMPS.index, default=None)


def difference(
    old: Manifest, new: Manifest, old_rows: Rows, new_rows: Rows, tightened: Callable[[str, str], bool]
) -> Difference:
    """Return what changed.

    Args:
        old: the last release.
        new: what is about to be one.
        old_rows: from its index.
        new_rows: from its index.
        tightened: whether the second licence forbids or demands what the first did not.
    """
    counts = _count(old_rows, new_rows)
    corrected = {
        identity
        for (config, identity), kept in new_rows.items()
        if config != TYPES and old_rows.get((config, identity), kept) != kept
    }
    changes = [
        *_targets(old, new),
        *_columns(old.columns, new.columns),
        *_splits(old.rows, new.rows),
        *_types(old.types, new.types),
        *_rows(counts, sorted(corrected)),
    ]
    if old.license != new.license:
        bump: Bump = "major" if tightened(old.license, new.license) else "patch"
        changes.append((bump, f"licence: {new.license} instead of {old.license}"))
    if not changes and old.content != new.content:
        changed = sorted(
            path for path in old.files.keys() | new.files.keys() if old.files.get(path) != new.files.get(path)
        )
        wording = [path for path in changed if not path.startswith("data/")]
        changes.append(("patch", f"wording or metadata: {', '.join(wording[:5]) or 'files'}"))
    return Difference(tuple(changes), counts)


def read_index(path: Path) -> dict[tuple[str, str], str]:
    """Return the rows that an index.parquet names."""
    table = pq.read_table(path)
    columns = [table[name].to_pylist() for name in ("config", "id", "split", "digest")]
    return {(config, identity): f"{split} {digest}" for config, identity, split, digest in zip(*columns, strict=True)}


def _targets(old: Manifest, new: Manifest) -> Iterator[tuple[Bump, str]]:
    if old.models != new.models:
        yield "major", f"target: {', '.join(new.models)} instead of {', '.join(old.models)}"


def _columns(old: Mapping[str, Mapping[str, str]], new: Mapping[str, Mapping[str, str]]) -> Iterator[tuple[Bump, str]]:
    for config in sorted(old.keys() | new.keys()):
        if config not in new:
            yield "major", f"config {config} removed"
        elif config not in old:
            yield "minor", f"config {config} added"
        else:
            for name in sorted(old[config].keys() | new[config].keys()):
                before, after = old[config].get(name), new[config].get(name)
                if after is None:
                    yield "major", f"column {name} of {config} removed"
                elif before is None:
                    yield "minor", f"column {name} of {config} added"
                elif before != after:
                    yield "major", f"column {name} of {config} retyped: {after} instead of {before}"


def _splits(old: Mapping[str, Mapping[str, int]], new: Mapping[str, Mapping[str, int]]) -> Iterator[tuple[Bump, str]]:
    for config in sorted(old.keys() & new.keys()):
        for split in sorted(old[config].keys() ^ new[config].keys()):
            gone = split in old[config]
            yield ("major" if gone else "minor"), f"split {split} of {config} {'removed' if gone else 'added'}"


def _types(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[tuple[Bump, str]]:
    kept = [name for name in new if name in old]
    for name in (name for name in old if name not in new):
        yield "major", f"failure type removed: {name}"
    for name in (name for name in kept if old[name] != new[name]):
        yield "major", f"failure type defined anew: {name}"
    if list(new)[: len(kept)] != [name for name in old if name in new]:
        yield "major", "labels of failure types renumbered"
    for name in (name for name in new if name not in old):
        yield "minor", f"failure type added: {name}"


def _count(old: Rows, new: Rows) -> dict[str, dict[str, int]]:
    counts: dict[str, Counter[str]] = {config: Counter() for config, _ in (*old, *new)}
    for key, kept in new.items():
        before = old.get(key)
        counts[key[0]]["added" if before is None else "unchanged" if before == kept else "changed"] += 1
    for key in old.keys() - new.keys():
        counts[key[0]]["removed"] += 1
    names = ("added", "removed", "changed", "unchanged")
    return {config: {name: counts[config][name] for name in names} for config in sorted(counts)}


def _rows(counts: Mapping[str, Mapping[str, int]], corrected: list[str]) -> Iterator[tuple[Bump, str]]:
    for config, count in counts.items():
        if config == TYPES:
            if count["changed"]:
                yield "minor", f"figures of {plural(count['changed'], 'failure type')} changed"
            continue  # added and removed ones are named by their types
        if count["removed"]:
            yield "major", f"{plural(count['removed'], 'row')} of {config} removed"
        if count["added"]:
            yield "minor", f"{plural(count['added'], 'row')} of {config} added"
        if count["changed"]:
            yield "minor", f"{plural(count['changed'], 'row')} of {config} corrected"
    if corrected:
        more = f" and {len(corrected) - NAMED:,} more (compare index.parquet)" if len(corrected) > NAMED else ""
        yield "minor", f"corrected: {', '.join(corrected[:NAMED])}{more}"
