"""The gates of a release: what must not leave the machine is found before a byte does. They fail closed.

Every text of every row and of every file is searched for secrets, personal data and local paths; every image file for
what it says beside its pixels; every licence must be known, and allow what was done with the image.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from auditdm_hub.publishing.gates.adapters import check_adapter_folder
from auditdm_hub.publishing.gates.cards import check_card
from auditdm_hub.publishing.gates.findings import Finding, refuse
from auditdm_hub.publishing.gates.paths import local_paths_in
from auditdm_hub.publishing.gates.personal import personal_data_in
from auditdm_hub.publishing.gates.pictures import metadata_in
from auditdm_hub.publishing.gates.secrets import secrets_in
from auditdm_hub.publishing.licenses import find, may_edit
from auditdm_hub.releases.schema import IMAGES

__all__ = ["Finding", "Gates", "check_adapter_folder"]

HASHES = frozenset({"id", "image_sha256", "source_image_sha256", "image_sha", "source_image_sha"})
KEPT = 100  # findings that are kept; the others are counted
DROP = "drop the row by its id under drop_rows in the run's curation.yaml, and run the audit with --resume"
CLEAN = "remove it from the image file, or drop the row"
BINARY = (".png", ".jpg", ".parquet", ".safetensors")


class Gates:
    """Collects what the gates find in one release."""

    def __init__(self) -> None:
        self._findings: list[Finding] = []
        self._found = 0
        self._checked: Counter[str] = Counter()
        self._images: dict[str, tuple[str, ...]] = {}

    @property
    def counts(self) -> dict[str, int]:
        """What was checked: "texts", "images", "licences", "files" -> how many."""
        return dict(self._checked)

    def refuse(self) -> None:
        """Raise if anything was found.

        Raises:
            ReleaseError: names the first findings and what to do.
        """
        refuse(self._findings, self._found)

    def check_row(self, config: str, identity: str, row: Mapping[str, Any], remedy: str = DROP) -> None:
        """Check the texts, the images and the licences of a row; `remedy` is what to do about a text."""
        where = f"{config} row {identity}"
        for column, text in _texts(row):
            self._checked["texts"] += 1
            self._add(Finding(gate, f"{where}, column {column}", what, remedy) for gate, what in _found_in(text))
        for column in IMAGES:
            if row.get(column):
                place = f"{where}, column {column}"
                found = self._image(row[column])
                self._add(Finding("image", place, f"its file holds {what}", CLEAN) for what in found)
        if "image_license" in row:
            self._checked["licences"] += 1
            self._add(_licences(where, row))

    def check_file(self, path: str, data: bytes) -> None:
        """Check a file of text; images are checked as images."""
        self._checked["files"] += 1
        if path.endswith(BINARY):
            self._add(Finding("image", path, f"holds {what}", "remove it from the image") for what in metadata_in(data))
            return
        if path.startswith("LICENSES/"):
            return  # not ours to change; some name an address to write to
        text = data.decode(errors="replace")
        self._add(Finding(gate, path, what, "take it out of the run") for gate, what in _found_in(text))
        if path == "README.md":
            self._add(check_card(path, data))

    def check_adapter(self, folder: Path) -> None:
        """Check the folder of an adapter."""
        self._checked["files"] += sum(path.is_file() for path in folder.rglob("*"))
        self._add(check_adapter_folder(folder))

    def _add(self, findings: Iterator[Finding]) -> None:
        for finding in findings:
            self._found += 1
            if len(self._findings) < KEPT:
                self._findings.append(finding)

    def _image(self, value: Mapping[str, Any]) -> tuple[str, ...]:
        """Return what an image file holds; one that several rows show is read once."""
        name = str(value["path"])
        if name not in self._images:
            self._checked["images"] += 1
            self._images[name] = tuple(metadata_in(value["bytes"]))
        return self._images[name]


def _texts(row: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for column, value in row.items():
        if column in HASHES:
            continue  # computed here; sixteen hexadecimal digits can look like anything
        if isinstance(value, str):
            yield column, value
        elif column == "reference_answers":
            yield from ((column, answer["answer"]) for answer in value if answer["answer"])


@lru_cache(maxsize=65536)
def _found_in(text: str) -> tuple[tuple[str, str], ...]:
    """Return (gate, what) for a text; most texts of a release are short and come again."""
    return (
        *(("secret", f"holds {what}") for what in secrets_in(text)),
        *(("personal data", f"holds {what}") for what in personal_data_in(text)),
        *(("local path", f"holds the local path {what}") for what in local_paths_in(text)),
    )


def _licences(where: str, row: Mapping[str, Any]) -> Iterator[Finding]:
    licence, maker = str(row["image_license"]), str(row["generator_license"])
    if find(licence) is None:
        what = f"the licence of its image is {'unknown' if not licence else f'{licence!r}, which is not known'}"
        yield Finding("licence", where, what, "say it with --pool-license when auditing, or leave the image out")
    elif row["image_source"] == "edited" and not may_edit(licence):
        yield Finding("licence", where, f"{licence} forbids the changed image", "drop the row, or audit without edits")
    if row["generator"] and find(maker) is None:
        what = f"the licence of {row['generator']} is {'unknown' if not maker else f'{maker!r}, which is not known'}"
        yield Finding(
            "licence", where, what, f"say it with --model-license {str(row['generator']).partition('@')[0]}=LICENCE"
        )
