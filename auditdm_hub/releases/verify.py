"""Check a release: every byte against its manifest, every row against its index, every image against its name."""

import hashlib
import io
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from auditdm_hub.releases.manifest import BESIDE, FILE_NAME, File, Manifest, open_manifest
from auditdm_hub.releases.schema import IMAGES, INDEX, row_digest, row_id, split_of
from auditdm_hub.text import plural

SHOWN = 50
BATCH = 64  # rows with images in memory
WORKERS = 4
Progress = Callable[[int, int], None]


@dataclass(slots=True)
class Report:
    """What was checked ("files", "rows", "images") and what was wrong, a line for each fault."""

    name: str
    checked: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults


def verify_folder(folder: Path, progress: Progress = lambda done, total: None, *, rows: bool = True) -> Report:
    """Check the release in a folder.

    Args:
        folder: holds MANIFEST.json and what it lists.
        progress: is called with (files done, files in all).
        rows: also read the tables: rows, index, images.

    Raises:
        ReleaseError: there is no manifest, or it is damaged.
    """
    manifest = open_manifest(folder)
    report = Report(f"{manifest.name} {manifest.version}")
    sound = set()
    paths = sorted(manifest.files)
    with ThreadPoolExecutor(WORKERS) as pool:
        for done, (path, fault) in enumerate(pool.map(lambda path: (path, _file_fault(folder, path, manifest)), paths)):
            report.checked["files"] += 1
            if fault:
                report.faults.append(f"{path}: {fault}")
            else:
                sound.add(path)
            progress(done + 1, len(paths))
    report.faults += [f"{path}: is not in {FILE_NAME}" for path in _extra(folder, manifest)]
    if rows and manifest.kind == "dataset":
        _check_tables(folder, manifest, sound, report)
    return report


def _file_fault(folder: Path, path: str, manifest: Manifest) -> str:
    place, wanted = folder / path, manifest.files[path]
    if not place.is_file():
        return "is missing"
    found = place.stat().st_size
    if found != wanted.size:
        return f"has {found:,} bytes, wanted {wanted.size:,}"
    return "" if File.of(place) == wanted else f"its bytes are not what {FILE_NAME} says"


def _extra(folder: Path, manifest: Manifest) -> list[str]:
    """Return files that the release does not list; what begins with a dot beside it belongs to tools."""
    kept = {*manifest.files, *BESIDE}
    found = [path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*")) if path.is_file()]
    return [
        path
        for path in found
        if path not in kept and not path.startswith((".auditdm", ".cache/", "versions/", ".lock"))
    ]


def _check_tables(folder: Path, manifest: Manifest, sound: set[str], report: Report) -> None:
    """Read every table whose bytes are sound."""
    index = _index(folder) if INDEX in sound else {}
    seen: Counter[tuple[str, str]] = Counter()
    names = [*manifest.types, "unassigned"]
    for path in sorted(path for path in sound if path.startswith("data/") and path.endswith(".parquet")):
        _, config, file = path.split("/")
        split = file.partition("-")[0]
        for number, row in enumerate(_rows(folder / path)):
            where = f"{path} row {number}"
            seen[config, split] += 1
            report.checked["rows"] += 1
            if config == "failures":
                row["failure_type"] = names[row["failure_type"]] if row["failure_type"] < len(names) else "?"
            identity = row.get("id") or row["name"]
            if INDEX in sound and index.get((config, identity)) != (split, row_digest(row)):
                report.faults.append(f"{where}: is not what {INDEX} says of {identity}")
            report.faults += [f"{where}: {fault}" for fault in _row_faults(row, split)]
            if len(report.faults) > SHOWN:
                report.faults.append("and perhaps more: stopped here")
                return
    counted = {(config, split): rows for config, splits in manifest.rows.items() for split, rows in splits.items()}
    for key in sorted(counted.keys() | seen.keys()):
        if seen[key] != counted.get(key, 0):
            report.faults.append(
                f"{key[0]}, split {key[1]}: {plural(seen[key], 'row')}, wanted {counted.get(key, 0):,}"
            )
    _check_images(folder, sound, report)


def _row_faults(row: Mapping[str, Any], split: str) -> Iterator[str]:
    if "image_sha256" not in row:
        return
    if row["id"] != row_id(row["image_sha256"], row["question"], row["target"]):
        yield "its id is not that of its image, question and target"
    if split != split_of(row["source_image_sha256"]):
        yield f"belongs to another split than {split}"


def _check_images(folder: Path, sound: set[str], report: Report) -> None:
    """Decode every image file once and compare its pixels with its name; rows show the same one again and again."""
    done: set[tuple[str, bytes]] = set()

    def fresh() -> Iterator[tuple[str, bytes, str]]:
        for path in sorted(path for path in sound if path.startswith(("data/failures/", "data/exchanges/"))):
            for number, row in enumerate(_rows(folder / path, images=True)):
                for column in IMAGES:
                    sha = row["image_sha256" if column == "image" else "source_image_sha256"]
                    if not row.get(column):
                        continue
                    data = row[column]["bytes"]
                    key = (sha, hashlib.sha256(data).digest())
                    if key not in done:
                        done.add(key)
                        yield f"{path} row {number}, {column}", data, sha

    with ThreadPoolExecutor(WORKERS) as pool:
        for part in _parts(fresh()):
            for where, fault in pool.map(lambda item: (item[0], _image_fault(item[1], item[2])), part):
                report.checked["images"] += 1
                if fault:
                    report.faults.append(f"{where}: {fault}")


def _image_fault(data: bytes, sha: str) -> str:
    from PIL import Image, UnidentifiedImageError

    from auditdm_hub.images import image_sha

    try:
        with Image.open(io.BytesIO(data)) as image:
            found = image_sha(image)
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        return f"is no image that can be shown ({error})"
    return "" if found == sha else "its pixels are not what its name says"


def _parts(items: Iterator[tuple[str, bytes, str]]) -> Iterator[list[tuple[str, bytes, str]]]:
    part = []
    for item in items:
        part.append(item)
        if len(part) == BATCH:
            yield part
            part = []
    yield part


def _index(folder: Path) -> dict[tuple[str, str], tuple[str, str]]:
    import pyarrow.parquet as pq

    table = pq.read_table(folder / INDEX)
    columns = [table[name].to_pylist() for name in ("config", "id", "split", "digest")]
    return {(config, identity): (split, digest) for config, identity, split, digest in zip(*columns, strict=True)}


def _rows(path: Path, *, images: bool = False) -> Iterator[dict[str, Any]]:
    """Yield the rows of a shard; without the bytes of images unless they are asked for."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        wanted = [name for name in file.schema_arrow.names if images or name not in IMAGES]
        if images:
            wanted = [name for name in wanted if name in (*IMAGES, "image_sha256", "source_image_sha256")]
        for batch in file.iter_batches(batch_size=BATCH if images else 4096, columns=wanted):
            yield from batch.to_pylist()
