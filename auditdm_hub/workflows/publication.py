"""Publish a run: plan the release beside the run, pass the gates, and put it on the Hub or into a folder.

The plan lies in `RUN/release/` (an adapter's in `RUN/release-adapter/`), so that it can be looked at before anything
leaves the machine. Nothing of it is needed later: the same command after an interruption makes it anew.
"""

import fcntl
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Literal

from auditdm_hub.errors import ConfigError, HubError, ReleaseError
from auditdm_hub.publishing import folder as folders
from auditdm_hub.publishing import hub as hubs
from auditdm_hub.publishing.adapter import AdapterWish, plan_adapter
from auditdm_hub.publishing.difference import read_index
from auditdm_hub.publishing.facts import AdapterCard, DatasetCard
from auditdm_hub.publishing.failure_set import Last, Wish, plan_failure_set
from auditdm_hub.publishing.hub import Place, Published
from auditdm_hub.publishing.plan import Plan
from auditdm_hub.publishing.read_back import read_back
from auditdm_hub.publishing.run_rows import RunRows
from auditdm_hub.publishing.withdraw import withdraw_from_folder, withdraw_from_hub
from auditdm_hub.releases.address import Address
from auditdm_hub.releases.download import download
from auditdm_hub.releases.hub_errors import explained
from auditdm_hub.releases.manifest import Kind, Manifest, open_manifest
from auditdm_hub.releases.readers import RepoType
from auditdm_hub.releases.schema import INDEX
from auditdm_hub.releases.version import Version
from auditdm_hub.runs import Run
from auditdm_hub.workflows.adapter_facts import adapter_facts
from auditdm_hub.workflows.model_licenses import license_lookup
from auditdm_hub.workflows.watching import SILENT, Watcher

if TYPE_CHECKING:
    from huggingface_hub import HfApi

Gated = Literal["auto", "manual"]
Confirm = Callable[["Outline"], bool]


@dataclass(frozen=True, slots=True)
class Options:
    """How to publish; each is an option of `auditdm-hub publish`.

    `licenses`: name of a model -> its licence; `license_files`: licence -> a file with its terms. `base`: the Hub id of
    an adapter's base model, where the adapter names a folder. `evaluations`: runs that evaluated the adapter. `rows`:
    what it was trained on goes along. `check`: read the release back.
    """

    to: Path | None = None
    adapter: Path | None = None
    evaluations: tuple[Path, ...] = ()
    rows: bool = False
    base: str = ""
    version: str = ""
    append: bool = False
    replace: bool = False
    private: bool = False
    gated: Gated | None = None
    parent: str = ""
    licenses: Mapping[str, str] = field(default_factory=dict)
    license_files: Mapping[str, Path] = field(default_factory=dict)
    check: bool = True


@dataclass(frozen=True, slots=True)
class Outline:
    """What is about to happen: a plan, where it goes ("" if the repository does not exist yet), and on which commit."""

    plan: Plan
    where: str
    parent: str
    options: Options


@dataclass(frozen=True, slots=True)
class Cards:
    """What writes the cards."""

    dataset: DatasetCard
    adapter: AdapterCard


def publish_run(
    path: Path,
    name: str,
    options: Options,
    cards: Cards,
    confirm: Confirm,
    watcher: Watcher = SILENT,
    api: "HfApi | None" = None,
) -> Published | Outline:
    """Publish a run; return what was published, or the outline if `confirm` says no (a dry run always does).

    Args:
        path: the run's folder.
        name: ORG/NAME on the Hub; may be "" with `options.to`.
        options: how.
        cards: write the cards.
        confirm: is shown the outline before anything is written outside of the run.
        watcher: is told how it comes along.
        api: talks to the Hub; default: as the environment says.

    Raises:
        ReleaseError: a gate refuses, the version is wrong, or what is there does not allow it.
        HubError: the Hub does not answer, or does not allow it.
    """
    _refuse_contradictions(name, options)
    run = Run.open(path)
    stage = path / ("release-adapter" if options.adapter else "release")
    with _locked(stage):
        if options.to:
            return _to_folder(run, name, stage, options, cards, confirm, watcher)
        from huggingface_hub import HfApi

        place = Place(api or HfApi(), name, "model" if options.adapter else "dataset")
        return _to_hub(run, place, stage, options, cards, confirm, watcher)


def _to_folder(
    run: Run, name: str, stage: Path, options: Options, cards: Cards, confirm: Confirm, watcher: Watcher
) -> Published | Outline:
    to = options.to
    assert to is not None
    folders.refuse_foreign(to)
    found = folders.newest(to)
    newest = to / folders.VERSIONS / str(found.version) if found else None
    name = name or (found.name if found else to.resolve().name)
    plan = _plan(run, name, stage, options, cards, newest, watcher)
    outline = Outline(plan, str(to), "", options)
    if not confirm(outline):
        return outline
    published = folders.release_to_folder(plan, to, watcher.say)
    if options.check:
        there = Address(str(to), to, published.version)
        _read_back(published, plan, stage.parent, lambda scratch: download(there) and to)
    return published


def _to_hub(
    run: Run, place: Place, stage: Path, options: Options, cards: Cards, confirm: Confirm, watcher: Watcher
) -> Published | Outline:
    state = hubs.find_state(place)
    with TemporaryDirectory(dir=stage.parent, prefix=".last-") as scratch:
        newest = hubs.fetch_newest(place, state, Path(scratch), whole=options.append) if state else None
        plan = _plan(run, place.repo, stage, options, cards, newest, watcher)
    outline = Outline(plan, place.url if state else "", state.head if state else "", options)
    if state:
        hubs.refuse_strangers(place, state, options.parent or None)
    if not confirm(outline):
        return outline
    hubs.create(place, options.private, options.gated)
    if state is None:
        with explained(place.repo):
            state = hubs.read_state(place)
    published = hubs.release(plan, place, state, options.parent or None, watcher.say)
    if options.check:
        watcher.say("reading it back")
        kind: RepoType = "model" if options.adapter else "dataset"
        address = Address(place.repo, None, published.version)
        _read_back(published, plan, stage.parent, lambda to: download(address, to / "release", (), kind, api=place.api))
    return published


def _read_back(published: Published, plan: Plan, room: Path, fetch: Callable[[Path], Path]) -> None:
    """Raise if what was published cannot be read back; `fetch` puts it into a folder and returns where it is."""
    manifest = plan.last if plan.published and plan.last else plan.manifest
    with TemporaryDirectory(dir=room, prefix=".back-") as scratch:
        try:
            read_back(fetch(Path(scratch)), manifest)
        except (HubError, ReleaseError) as error:
            raise type(error)(
                f"{published.version} is at {published.url}, but it could not be read back: {error}. Give the same "
                f"command again; if it stays so, publish a later version and --withdraw {published.version}"
            ) from error


def _plan(
    run: Run, name: str, stage: Path, options: Options, cards: Cards, newest: Path | None, watcher: Watcher
) -> Plan:
    version = Version.parse(options.version) if options.version else None
    texts = {licence: _text(licence, file) for licence, file in options.license_files.items()}
    on_hub = options.to is None
    license_of = license_lookup(run, options.licenses)
    if options.adapter:
        wish = AdapterWish(name, on_hub, version, texts)
        source, facts = adapter_facts(
            run, wish, options.adapter, options.base, license_of, options.evaluations, options.rows
        )
        return plan_adapter(source, facts, wish, _manifest_of(newest, "adapter"), cards.adapter, stage)
    rows = RunRows(run, license_of)
    found = _manifest_of(newest, "dataset")
    last = Last(found, read_index(newest / INDEX), newest) if newest and found else None
    tell, total = watcher.stage("rows"), rows.count
    if found and options.append:
        total += sum(sum(splits.values()) for splits in found.rows.values())
    whole = Wish(name, on_hub, version, options.append, options.replace, texts)
    plan = plan_failure_set(
        rows, whole, last, cards.dataset, license_of, stage, lambda done: tell(done, max(done, total))
    )
    written = sum(sum(splits.values()) for splits in plan.manifest.rows.values())
    tell(written, written)
    return plan


def _text(licence: str, file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise ReleaseError(f"--license-file {licence}: cannot read {file} ({error.strerror})") from None


def _manifest_of(folder: Path | None, kind: Kind) -> Manifest | None:
    if folder is None:
        return None
    manifest = open_manifest(folder)
    if manifest.kind != kind:
        raise ReleaseError(
            f"{manifest.name} {manifest.version} is a release of a {manifest.kind}, this is one of a {kind}"
        )
    return manifest


def _refuse_contradictions(name: str, options: Options) -> None:
    if (options.evaluations or options.rows) and not options.adapter:
        raise ConfigError("--evaluation and --training-rows go with --adapter")
    if options.append and options.replace:
        raise ConfigError("--append and --replace: say one of them")
    if options.to is None and name.count("/") != 1:
        raise ConfigError(f"got {name!r} as the place to publish to, wanted ORG/NAME on the Hub, or --to FOLDER")
    if options.to is not None and (options.private or options.gated or options.parent):
        raise ConfigError("--private, --gated and --parent are for the Hub: leave them out with --to")


@contextmanager
def _locked(stage: Path) -> Iterator[None]:
    """Let one process at a time plan into a folder."""
    handle = os.open(stage.with_name(f".{stage.name}.lock"), os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise ReleaseError(f"{stage.parent} is being published by another process: wait for it") from None
    finally:
        os.close(handle)


def withdraw_version(
    repo: str, version: str, why: str, options: Options, watcher: Watcher = SILENT, api: "HfApi | None" = None
) -> None:
    """Mark a version as not to be used; it stays, and who lists or downloads it is told.

    Args:
        repo: ORG/NAME, or a folder with releases.
        version: of it.
        why: is shown to everybody.
        options: `to` is a folder, `adapter` says that the repository is one of a model.
        watcher: is told how it comes along.
        api: talks to the Hub.

    Raises:
        ReleaseError: there is no such version.
        HubError: the Hub does not answer, or does not allow it.
    """
    folder = options.to or (Path(repo) if (Path(repo) / folders.VERSIONS).is_dir() else None)
    if folder is not None:
        withdraw_from_folder(folder, Version.parse(version), why)
        watcher.say(f"withdrew {version}")
        return
    from huggingface_hub import HfApi

    place = Place(api or HfApi(), repo, "model" if options.adapter else "dataset")
    state = hubs.find_state(place)
    if state is None:
        raise ReleaseError(f"{repo}: there is no such repository")
    withdraw_from_hub(place, state, Version.parse(version), why, watcher.say)
