"""A run as a failure set: its tables, the facts about them, and everything that describes them."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from auditdm_hub.errors import ReleaseError
from auditdm_hub.publishing.benchmark import eval_yaml, write_benchmark
from auditdm_hub.publishing.croissant import croissant
from auditdm_hub.publishing.difference import Difference, Rows, difference, read_index
from auditdm_hub.publishing.facts import DatasetCard, FailureSet, License, ModelUse
from auditdm_hub.publishing.gates import Gates
from auditdm_hub.publishing.license_files import license_files, notice
from auditdm_hub.publishing.licenses import join, row_licenses, tightened
from auditdm_hub.publishing.plan import TOOL, Plan, as_json, changelog, empty_folder, files_below, finish
from auditdm_hub.publishing.run_rows import LicenseOf, RunRows, audit_name
from auditdm_hub.publishing.staging import Progress, Tables, write_tables
from auditdm_hub.publishing.union import Released, Union
from auditdm_hub.releases.manifest import Change, File, Manifest
from auditdm_hub.releases.schema import CONFIGS, INDEX, SPLITS_OF, pattern
from auditdm_hub.releases.version import FIRST, Version
from auditdm_hub.report.schema import Results


@dataclass(frozen=True, slots=True)
class Wish:
    """What a user asks for: the `name` of the release (ORG/NAME, or of a folder), and how it joins what is there.

    `extra_texts`: licence -> its text, for licences whose terms have to travel.
    """

    name: str
    on_hub: bool
    version: Version | None = None
    append: bool = False
    replace: bool = False
    extra_texts: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Last:
    """The newest release: its manifest and its rows; `folder` holds its files where they are to be added to."""

    manifest: Manifest
    rows: Rows
    folder: Path | None = None


def plan_failure_set(
    run: RunRows,
    wish: Wish,
    last: Last | None,
    card: DatasetCard,
    license_of: LicenseOf,
    folder: Path,
    progress: Progress,
) -> Plan:
    """Write a failure set below a folder and return the plan of its release.

    Args:
        run: what to publish.
        wish: as what.
        last: what is there.
        card: writes README.md and its assets.
        license_of: returns the licence of a model.
        folder: is emptied first.
        progress: is called with the number of rows written.

    Raises:
        ReleaseError: a gate refuses, a licence forbids it, the version is too small a step, or the release there is of
            other runs and nobody said whether to add or to replace.
    """
    refuse_unasked(run, wish, last)
    before = Released(last.folder) if last and last.folder and wish.append else None
    union, gates = Union(run, before, last.manifest if last else None), Gates()
    empty_folder(folder)
    tables = write_tables(union, folder, _origin(union), gates.check_row, progress)
    gates.refuse()
    write_benchmark(folder)
    files = files_below(folder, tables.files)
    facts = _facts(union, tables, wish, license_of, files, run.dropped)
    draft = replace(_draft(union, tables, wish, facts), files=files)

    def describe(version: str, changes: tuple[Change, ...]) -> Mapping[str, bytes]:
        found = replace(facts, version=version, changes=changes)
        files = {
            **_beside(found, wish, union),
            **card(found),
            "croissant.json": croissant(found),
            **eval_yaml(found),
        }
        for path, data in files.items():
            gates.check_file(path, data)
        gates.refuse()
        return files

    rows = read_index(folder / INDEX)
    compare = _comparing(last, rows)
    plan = finish(folder, draft, describe, compare, last.manifest if last else None, wish.version)
    if union.again and not plan.published:
        raise ReleaseError(
            f"{wish.name} holds this run already, as it was before it changed, and its figures cannot be taken "
            "out again: publish it anew with --replace, then add the other runs"
        )
    return replace(plan, checked=gates.counts)


def refuse_unasked(run: RunRows, wish: Wish, last: Last | None) -> None:
    """Raise where a release is of other runs, and it was not said whether this one adds to it or takes its place.

    Raises:
        ReleaseError: say --append or --replace.
    """
    if last is None or wish.append or wish.replace or set(last.manifest.runs) <= {run.id}:
        return
    raise ReleaseError(
        f"{wish.name} {last.manifest.version} is of another run: add to it with --append, or replace it with --replace"
    )


def _comparing(last: Last | None, rows: Rows) -> Callable[[Manifest], Difference]:
    def compare(draft: Manifest) -> Difference:
        if last is None:
            return Difference(())
        return difference(last.manifest, draft, last.rows, rows, tightened)

    return compare


def _draft(union: Union, tables: Tables, wish: Wish, facts: FailureSet) -> Manifest:
    return Manifest(
        kind="dataset",
        name=wish.name,
        version=FIRST,
        previous=None,
        license=facts.license.id if facts.license.id != "other" else f"other: {facts.license.name}",
        date=str(facts.audits[-1]["date"]),
        tool=TOOL,
        models=tuple(sorted({audit["target"] for audit in facts.audits})),
        rows=tables.rows,
        types={kind.name: kind.rule for kind in union.types},
        files={},
        content="",
        columns=tables.columns,
        runs=union.runs,
    )


def _facts(
    union: Union,
    tables: Tables,
    wish: Wish,
    license_of: LicenseOf,
    files: Mapping[str, File],
    dropped: Mapping[str, int],
) -> FailureSet:
    audits = tuple(union.audits)
    counts = Counter(dropped)
    for audit in audits:
        counts.update(audit["dropped"])
    return FailureSet(
        name=wish.name,
        on_hub=wish.on_hub,
        version="",
        license=_license(tables),
        audits=audits,
        rows=tables.rows,
        features=tables.features,
        data_files={config: {split: pattern(config, split) for split in SPLITS_OF[config]} for config in CONFIGS},
        data_bytes={config: _bytes_of(files, f"data/{config}/") for config in CONFIGS},
        types=tuple(
            replace(kind, samples=tables.samples.get(kind.name, ()))
            for kind in sorted(union.types, key=lambda kind: (-kind.count, kind.name))
        ),
        models=_models(audits, license_of),
        images=tables.images,
        dropped=dict(sorted(counts.items(), key=lambda item: (-item[1], item[0]))),
        changes=(),
        files={path: (file.size, file.sha256) for path, file in files.items()},
    )


def _models(audits: Sequence[Results], license_of: LicenseOf) -> tuple[ModelUse, ...]:
    """Return every model of the audits, once in each role."""
    found: dict[tuple[str, str], ModelUse] = {}
    for audit in audits:
        models = audit["models"]
        every = [
            ("target", models["target"]["id"], models["target"]["family"]),
            *(("reference", each["id"], each["family"]) for each in models["references"]),
            *([("holdout", models["holdout"]["id"], models["holdout"]["family"])] if models["holdout"] else []),
            ("auditor", models["auditor"]["trained"] or models["auditor"]["base"], ""),
            *((role, str(models[role]), "") for role in ("editor", "generator", "judge", "embedder")),
        ]
        for role, name, family in every:
            if name:
                found[role, name] = ModelUse(name, role, license_of(name), family)
    return tuple(found.values())


def _license(tables: Tables) -> License:
    return join({name for use in tables.images for name in row_licenses(use)})


def _origin(union: Union) -> str:
    return ", ".join(dict.fromkeys(audit["pool"]["source"] for audit in union.audits))


def _bytes_of(files: Mapping[str, File], prefix: str) -> int:
    return sum(file.size for path, file in files.items() if path.startswith(prefix))


def _beside(facts: FailureSet, wish: Wish, union: Union) -> dict[str, bytes]:
    """Return what is written from facts without a template: licences, notice, changelog and the audits."""
    licenses = sorted(
        {facts.license.id, *(name for use in facts.images for name in (use.license, use.generator_license) if name)}
    )
    return {
        **license_files(licenses, wish.extra_texts),
        "NOTICE": notice(facts),
        "CHANGELOG.md": changelog(facts.name, facts.changes),
        **{audit_name(audit): as_json(audit) for audit in union.audits},
    }
