"""What a release is made of: a run, or with `--append` a run beside what was released before.

The union goes by content id: a row of the new run takes the place of the old one with its id. A failure type that both
have is one type: its trials and failures add up, its interval is computed anew. One whose rule is another than before
is what the new run says it is (and its label means something else, which the difference shows).
"""

import json
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from auditdm_hub.errors import ReleaseError
from auditdm_hub.publishing.facts import TypeFacts
from auditdm_hub.publishing.run_rows import Row, RunRows, type_row
from auditdm_hub.releases.manifest import Manifest, open_manifest
from auditdm_hub.releases.schema import IMAGES, UNASSIGNED, Config
from auditdm_hub.report import checked_results
from auditdm_hub.report.schema import Results
from auditdm_hub.statistics import wilson

BATCH = 64  # rows with images in memory
AHEAD, WORKERS = 32, 3  # rows whose images are read at the same time, and by how many


class Released:
    """A release whose files lie in a folder: what `--append` adds to."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.manifest = folder, open_manifest(folder)

    def rows(self, config: Config) -> Iterator[Row]:
        """Yield the rows of a config with the bytes of their images; a label is its name."""
        names = [*self.manifest.types, UNASSIGNED]
        for path in sorted(self.manifest.files):
            if not path.startswith(f"data/{config}/"):
                continue
            with pq.ParquetFile(self.folder / path) as file:
                for batch in file.iter_batches(batch_size=BATCH):
                    for row in batch.to_pylist():
                        yield {**row, "failure_type": names[row["failure_type"]]} if config == "failures" else row

    def audits(self) -> list[Results]:
        """Return `results.json` of each of its audits, in the order in which they were added."""
        paths = sorted(path for path in self.manifest.files if path.startswith("audits/"))
        return [checked_results(json.loads((self.folder / path).read_text()), path) for path in paths]

    def types(self) -> list[TypeFacts]:
        """Return its failure types, in the order of their labels."""
        rows = {row["name"]: row for row in self.rows("failure_types")}
        return [TypeFacts(**rows[name]) for name in self.manifest.types]


class Union:
    """The rows of a release: those of a run, and those of a release before it that the run does not replace.

    `again`: whether that release holds this run already; then its figures are not added a second time.
    """

    def __init__(self, run: RunRows, before: Released | None, last: Manifest | None) -> None:
        if before is not None and before.manifest.models != (run.target,):
            raise ReleaseError(
                f"--append: the release is about {', '.join(before.manifest.models)}, this run about {run.target}: "
                "publish it to a repository of its own, or take its place with --replace"
            )
        self._run, self._before = run, before
        self.again = before is not None and run.id in before.manifest.runs
        old = before.types() if before else []
        self.types = _ordered(old if self.again else _united(old, run.types), last)

    @property
    def audits(self) -> list[Results]:
        """`results.json` of each audit, by date."""
        every = [*(self._before.audits() if self._before else []), self._run.results]
        return sorted(
            {(str(results["date"]), results["seed"]): results for results in every}.values(),
            key=lambda results: (results["date"], results["seed"]),
        )

    @property
    def runs(self) -> tuple[str, ...]:
        """The ids of the runs in it."""
        return tuple(sorted({*(self._before.manifest.runs if self._before else ()), self._run.id}))

    def rows(self, config: Config) -> Iterator[Row]:
        """Yield every row with the bytes of its images, in an order that does not change."""
        if config == "failure_types":
            yield from (type_row(kind) for kind in self.types)
            return
        status = {kind.name: kind.status for kind in self.types}
        if self._before is not None:
            replaced = {row["id"] for row in self._run.rows(config)}
            for row in self._before.rows(config):
                if row["id"] not in replaced:
                    yield _with_status(row, status)
        for row in self._with_images(self._run.rows(config)):
            yield _with_status(row, status)

    def _with_images(self, rows: Iterator[Row]) -> Iterator[Row]:
        """Yield rows with their images, which are read and checked some rows ahead."""

        def whole(row: Row) -> Row:
            return {**row, **{name: self._image(row[name]) for name in IMAGES if name in row}}

        waiting: deque[Future[Row]] = deque()
        with ThreadPoolExecutor(WORKERS) as pool:
            for row in rows:
                waiting.append(pool.submit(whole, row))
                if len(waiting) == AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()

    def _image(self, sha: str | None) -> dict[str, Any] | None:
        return {"bytes": self._run.image(sha), "path": f"{sha}.png"} if sha else None


def _with_status(row: Row, status: dict[str, str]) -> Row:
    if "failure_type_status" not in row:
        return row
    return {**row, "failure_type_status": status.get(row["failure_type"], "")}


UNTESTED = "proposed"
"""The status of a type that no fresh images were asked about."""


def _united(old: list[TypeFacts], new: list[TypeFacts]) -> list[TypeFacts]:
    before, found = {kind.name: kind for kind in old}, {kind.name: kind for kind in new}
    united = []
    for name, kind in before.items():
        again = found.get(name)
        if again is None:
            united.append(kind)
        elif again.rule != kind.rule:
            united.append(again)
        else:
            failures, trials = kind.failures + again.failures, kind.trials + again.trials
            low, high = wilson(failures, trials)
            tested = kind if again.status == UNTESTED else again
            united.append(
                replace(again, status=tested.status, q_value=tested.q_value, count=kind.count + again.count,
                        failures=failures, trials=trials, rate=failures / trials, low=low, high=high)
            )  # fmt: skip
    return [*united, *(kind for name, kind in found.items() if name not in before)]


def _ordered(types: list[TypeFacts], last: Manifest | None) -> list[TypeFacts]:
    """Return the types with those of the last release first and in its order: their labels stay what they are."""
    place = {name: number for number, name in enumerate(last.types)} if last else {}
    return sorted(types, key=lambda kind: place.get(kind.name, len(place)))
