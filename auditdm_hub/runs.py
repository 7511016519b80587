"""A run is a folder; each stage reads what the one before wrote and records the digests of what it wrote itself.

    runs/<name>/run.json     configuration, versions, git commit, finished stages
                images/      content-addressed images
                results.json what `--json` prints

The state of a run is what is on disk and nothing else: `run.json` is replaced atomically, and only after the outputs of
a stage are complete. So a process may be killed at any moment, and `Run.create(..., resume=True)` goes on from there.
"""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from auditdm_hub import __version__
from auditdm_hub.atomic import SUFFIX, atomic_write_json, clean_leftovers, file_sha256
from auditdm_hub.errors import RunError
from auditdm_hub.images import ImageStore
from auditdm_hub.provenance import git_commit, hardware, library_versions

FORMAT_VERSION = 1
AUDIT, OF_THE_AUDIT = ("pool", "train", "probe", "curate"), ("confirm", "report")
"""Stages of an audit, and those that follow from them alone, whatever else was done in between."""
MANIFEST = "run.json"
LOCK = ".lock"


@dataclass(frozen=True, slots=True)
class Stage:
    """A finished stage. `outputs` maps each file, relative to the run, to its SHA-256; `digest` is that of the map."""

    digest: str
    seconds: float
    finished: str
    outputs: Mapping[str, str]


class Run:
    """A run folder: opened for writing by `Run.create` (one process at a time), for reading by `Run.open`."""

    def __init__(self, path: Path, manifest: dict[str, Any], lock: int | None) -> None:
        self.path = path
        self.images = ImageStore(path / "images")
        self._manifest = manifest
        self._lock = lock

    @classmethod
    def create(cls, path: Path, config: Mapping[str, Any], resume: bool = False, free: Collection[str] = ()) -> Self:
        """Start a run in a new folder, or with `resume` go on with the one that is there.

        Args:
            path: the run's folder.
            config: the configuration, as JSON types; recorded in a new run, compared with that of an old one.
            resume: whether an existing run is continued; a folder that holds none yet is started.
            free: (dotted) keys, or sections, of `config` that may differ on resume, because no result depends on them.

        Raises:
            RunError: the folder is in use by another process, holds something else, was made by a newer version, or
                its run has another configuration.
        """
        manifest_path = path / MANIFEST
        _refuse_foreign(path)
        if manifest_path.exists() and not resume:
            raise RunError(
                f"{path} already holds a run: add --resume to continue it, or name another folder with --out"
            )
        path.mkdir(parents=True, exist_ok=True)
        lock = _take_lock(path)
        try:
            clean_leftovers(path, mark=MANIFEST)
            config = json.loads(json.dumps(config))
            if manifest_path.exists():
                manifest = _read_manifest(path)
                _refuse_other_config(path, manifest["config"], config, free)
            else:
                manifest = _new_manifest(config)
                atomic_write_json(manifest_path, manifest)
        except BaseException:
            os.close(lock)
            raise
        return cls(path, manifest, lock)

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open a run for reading.

        Raises:
            RunError: there is no run in that folder, or a newer version made it.
        """
        return cls(path, _read_manifest(path), lock=None)

    @property
    def config(self) -> dict[str, Any]:
        """The configuration that the run was started with."""
        return dict(self._manifest["config"])

    @property
    def manifest(self) -> dict[str, Any]:
        """What run.json holds."""
        return dict(self._manifest)

    @property
    def stages(self) -> dict[str, Stage]:
        """The finished stages, in the order in which they finished."""
        return {name: Stage(**stage) for name, stage in self._manifest["stages"].items()}

    def stage_done(self, name: str) -> bool:
        """Whether the stage is finished and its outputs are there; one whose output was deleted is to be repeated.

        Raises:
            RunError: an output is not what the stage wrote.
        """
        stage = self.stages.get(name)
        if stage is None:
            return False
        if not all((self.path / output).is_file() for output in stage.outputs):
            return False
        self.verify(name)
        return True

    def finish_stage(self, name: str, outputs: Sequence[str], seconds: float, again: bool = False) -> Stage:
        """Record that a stage is finished. If it was finished before with another result, later stages are forgotten.

        Args:
            name: the stage.
            outputs: what it wrote, relative to the run: files, or folders, which stand for all files below them.
            seconds: wall-clock time that it took.
            again: it was written again for people to read, and no later stage depends on it.

        Raises:
            RunError: an output is missing, or the run was opened for reading.
        """
        if self._lock is None:
            raise RunError(f"{self.path} was opened for reading: open it with Run.create(..., resume=True)")
        digests = {file: file_sha256(self.path / file) for file in self._expand(name, outputs)}
        digest = hashlib.sha256(json.dumps(digests, sort_keys=True).encode()).hexdigest()
        stage = Stage(digest, round(seconds, 3), datetime.now(UTC).isoformat(timespec="seconds"), digests)
        stages = dict(self._manifest["stages"])
        if name in stages and stages[name]["digest"] != digest and not again:
            names = list(stages)
            later = names[names.index(name) :]
            forgotten = later if name in AUDIT else [each for each in later if each not in OF_THE_AUDIT]
            stages = {kept: stages[kept] for kept in names if kept not in forgotten}
        stages[name] = asdict(stage)
        manifest = {**self._manifest, "stages": stages}
        atomic_write_json(self.path / MANIFEST, manifest)
        self._manifest = manifest
        return stage

    def reopen_stage(self, name: str) -> None:
        """Record that a stage is no longer finished: its outputs are about to be written again.

        Raises:
            RunError: the run was opened for reading.
        """
        if self._lock is None:
            raise RunError(f"{self.path} was opened for reading: open it with Run.create(..., resume=True)")
        stages = {kept: stage for kept, stage in self._manifest["stages"].items() if kept != name}
        manifest = {**self._manifest, "stages": stages}
        atomic_write_json(self.path / MANIFEST, manifest)
        self._manifest = manifest

    def verify(self, name: str) -> None:
        """Check that every output of a finished stage is what the stage wrote.

        Raises:
            RunError: the stage is not finished, or an output is missing or was changed.
        """
        stage = self.stages.get(name)
        if stage is None:
            raise RunError(f"stage {name!r} of {self.path} is not finished: run again with --resume")
        for output, digest in stage.outputs.items():
            file = self.path / output
            if not file.is_file():
                raise RunError(f"{file}, an output of stage {name!r}, is missing: run again with --resume")
            if file_sha256(file) != digest:
                raise RunError(
                    f"{file} was changed after stage {name!r} wrote it: restore it, "
                    "or delete it and run again with --resume to have the stage repeated"
                )

    def results(self) -> dict[str, Any]:
        """Return what results.json holds.

        Raises:
            RunError: the run has not come so far.
        """
        try:
            results: dict[str, Any] = json.loads((self.path / "results.json").read_text())
        except FileNotFoundError:
            raise RunError(f"{self.path} has no results yet: run again with --resume to finish it") from None
        return results

    def forget(self) -> None:
        """Remove the folder if no stage is finished: a run that was refused at its start is no run."""
        if self._lock is not None and not self.stages:
            shutil.rmtree(self.path)

    def close(self) -> None:
        """Let other processes write to the folder; reading goes on."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r}, stages={list(self.stages)})"

    def _expand(self, name: str, outputs: Sequence[str]) -> list[str]:
        files: list[str] = []
        for output in outputs:
            path = self.path / output
            if path.is_dir():
                files += sorted(file.relative_to(self.path).as_posix() for file in path.rglob("*") if file.is_file())
            elif path.is_file():
                files.append(output)
            else:
                raise RunError(f"stage {name!r} did not write its output {path}")
        return files


def default_path(folder: Path, target: str, latest: bool) -> Path:
    """Return where a run on `target` goes that was given no place.

    That is the first of `folder/<target>`, `folder/<target>-2`, ... that holds no run, or with `latest` the last one
    that does (if there is any).
    """
    slug = re.sub(r"[^a-z0-9.]+", "-", target.lower()).strip("-.") or "run"
    path, number = folder / slug, 1
    while (path / MANIFEST).exists():
        number += 1
        previous, path = path, folder / f"{slug}-{number}"
    return previous if latest and number > 1 else path


def differing_keys(old: Mapping[str, Any], new: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Yield the dotted keys whose values differ between two nested mappings."""
    for key in dict.fromkeys([*old, *new]):
        a, b = old.get(key), new.get(key)
        if isinstance(a, Mapping) and isinstance(b, Mapping):
            yield from differing_keys(a, b, f"{prefix}{key}.")
        elif key not in old or key not in new or a != b:
            yield f"{prefix}{key}"


def _new_manifest(config: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "format_version": FORMAT_VERSION,
        "auditdm_hub": __version__,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "git_commit": git_commit(),
        "versions": library_versions(),
        "hardware": hardware(),
        "config": dict(config),
        "stages": {},
    }


def _read_manifest(path: Path) -> dict[str, Any]:
    try:
        manifest = json.loads((path / MANIFEST).read_text())
    except (FileNotFoundError, NotADirectoryError):
        raise RunError(f"{path} is no run: it has no {MANIFEST}") from None
    except ValueError as error:
        raise RunError(
            f"{path / MANIFEST} is not JSON ({error}): restore it, or start anew in another folder"
        ) from None
    if not isinstance(manifest, dict) or not isinstance(manifest.get("format_version"), int):
        raise RunError(f"{path / MANIFEST} does not describe a run: it has no format_version")
    if manifest["format_version"] > FORMAT_VERSION:
        raise RunError(
            f"{path} was made by auditdm-hub {manifest.get('auditdm_hub', '?')} with run format "
            f"{manifest['format_version']}, this is {__version__} with format {FORMAT_VERSION}: upgrade auditdm-hub"
        )
    return manifest


def _refuse_foreign(path: Path) -> None:
    """Raise if the folder holds anything but a run or what a killed start of one leaves."""
    if path.exists() and not path.is_dir():
        raise RunError(f"{path} is a file: name a folder with --out")
    if not path.exists() or (path / MANIFEST).exists():
        return
    if any(entry.name != LOCK and not entry.name.endswith(SUFFIX) for entry in path.iterdir()):
        raise RunError(f"{path} is not empty and holds no run: name another folder with --out")


def _refuse_other_config(path: Path, old: Mapping[str, Any], new: Mapping[str, Any], free: Collection[str]) -> None:
    differing = [key for key in differing_keys(old, new) if key not in free and key.partition(".")[0] not in free]
    if differing:
        raise RunError(
            f"{path} was started with another configuration (differing: {', '.join(differing)}): "
            "resume it with the same options, or name another folder with --out"
        )


def _take_lock(path: Path) -> int:
    """Lock the folder for this process; the lock falls when the process ends, however it ends."""
    import fcntl  # not on every platform, and only needed to write

    handle = os.open(path / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        owner = os.read(handle, 32).decode(errors="replace").strip() or "unknown"
        os.close(handle)
        raise RunError(f"{path} is in use by process {owner}: wait for it, or name another folder with --out") from None
    os.ftruncate(handle, 0)
    os.write(handle, f"{os.getpid()}\n".encode())
    return handle


def is_audit(run: Run) -> bool:
    """Whether a run is an audit, and no evaluation or repair from a release, which are runs, too."""
    return "auditor" in run.config
