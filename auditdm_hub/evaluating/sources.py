"""The rows of a benchmark: from the Hub at a revision, or from a folder.

A data set that changed its columns is refused before any model is asked.
"""

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from PIL import Image, UnidentifiedImageError

from auditdm_hub.errors import ConfigError, PoolError, first_line
from auditdm_hub.evaluating.benchmark import Ask, Benchmark, Row
from auditdm_hub.evaluating.items import Item
from auditdm_hub.releases.hub_errors import client_errors, explained

RENAMED = ("lmms-lab-encoder/", "lmms-lab/")
"""The organisation of most of the data sets, and its name until 2026-07-30: copies of the Hub may still have that."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where the rows of a benchmark come from: `where` is a folder or an id on the Hub, `revision` "" for a folder."""

    where: str
    revision: str


def find_source(benchmark: Benchmark, data: Path | None, revision: str) -> Source:
    """Return where the rows are; a revision of the Hub becomes the commit that it is at.

    Args:
        benchmark: whose.
        data: a folder with a folder of the benchmark's name; None = the Hub.
        revision: branch, tag or commit on the Hub; "" = main.

    Raises:
        ConfigError: there is no such folder.
        HubError: the Hub does not answer, or has no such data set.
    """
    if data is not None:
        folder = data / benchmark.name
        if not folder.is_dir():
            raise ConfigError(f"--data {data}: there is no folder {benchmark.name} in it")
        return Source(str(folder), "")
    from huggingface_hub import HfApi
    from huggingface_hub.errors import RepositoryNotFoundError

    name = benchmark.dataset
    with explained(f"{name} (benchmark {benchmark.name})"):
        try:
            found = HfApi().dataset_info(name, revision=revision or None)
        except RepositoryNotFoundError:
            former = name.replace(*RENAMED)
            if former == name or not HfApi().repo_exists(former, repo_type="dataset"):
                raise
            name, found = former, HfApi().dataset_info(former, revision=revision or None)
    return Source(name, str(found.sha))


def items_of(benchmark: Benchmark, source: Source, ask: Ask, limit: int | None) -> Iterator[Item]:
    """Yield the items of a benchmark, in the order of its rows; each once.

    Args:
        benchmark: which.
        source: where.
        ask: puts questions into prompts.
        limit: rows, at most.

    Raises:
        ConfigError: the data have other columns than this version knows.
        PoolError: a row cannot be read.
    """
    images = _images(benchmark, source) if benchmark.images and not _in_folder(source) else None
    seen: set[str] = set()
    for number, row in enumerate(islice(_rows(benchmark, source, benchmark.config), limit)):
        if number == 0:
            _refuse_other_columns(benchmark, row, images is not None)
        whole = {**row, "image": images[str(row["imageId"])]} if images is not None else row
        try:
            for item in benchmark.items({**whole, **_decoded(whole)}, ask):
                named = replace(item, id=item.id or str(number))
                if named.id not in seen:
                    seen.add(named.id)
                    yield named
        except (KeyError, ValueError, TypeError, IndexError, SyntaxError, UnidentifiedImageError, OSError) as error:
            raise PoolError(
                f"{benchmark.name}: row {number} of {source.where} cannot be read ({type(error).__name__}: {error})"
            ) from error


def refuse_other_columns(benchmark: Benchmark, source: Source) -> None:
    """Raise if the first row has other columns than this version knows.

    Raises:
        ConfigError: it has.
        PoolError: there is no reading it.
    """
    row = next(_rows(benchmark, source, benchmark.config), None)
    if row is not None:
        _refuse_other_columns(benchmark, row, bool(benchmark.images) and not _in_folder(source))


def _in_folder(source: Source) -> bool:
    return not source.revision


def _rows(benchmark: Benchmark, source: Source, config: str) -> Iterator[Row]:
    """Yield rows with images undecoded, so that rows that are passed over cost little."""
    from datasets import Image as ImageFeature
    from datasets import List, get_dataset_config_names, load_dataset

    try:
        if _in_folder(source):
            found = get_dataset_config_names(source.where)
            name, revision = config if config in found else None, None
        else:
            name, revision = config or None, source.revision
        rows = load_dataset(source.where, name, split=benchmark.split, revision=revision, streaming=True)
        for name, feature in (rows.features or {}).items():
            if isinstance(feature, ImageFeature):
                rows = rows.cast_column(name, ImageFeature(decode=False))
            elif isinstance(feature, List) and isinstance(feature.feature, ImageFeature):
                rows = rows.cast_column(name, List(ImageFeature(decode=False)))
        yield from rows
    except client_errors() as error:
        raise PoolError(f"{benchmark.name}: cannot load {source.where}: {first_line(error)}") from error


def _images(benchmark: Benchmark, source: Source) -> Mapping[str, Any]:
    """Return the images of another config by their ids, undecoded."""
    return {str(row["id"]): row["image"] for row in _rows(benchmark, source, benchmark.images)}


def _decoded(row: Row) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in row.items():
        if _is_image(value):
            found[name] = _open(value)
        elif isinstance(value, list) and value and all(_is_image(each) for each in value):
            found[name] = [_open(each) for each in value]
    return found


def _is_image(value: Any) -> bool:  # noqa: ANN401 - any value of a row
    return isinstance(value, dict) and value.keys() == {"bytes", "path"}


def _open(value: Mapping[str, Any]) -> Image.Image:
    with Image.open(io.BytesIO(value["bytes"]) if value["bytes"] is not None else value["path"]) as image:
        return image.convert("RGB")


def _refuse_other_columns(benchmark: Benchmark, row: Row, joined: bool) -> None:
    missing = [name for name in benchmark.columns if name not in row and not (joined and name == "image")]
    if missing:
        raise ConfigError(
            f"benchmark {benchmark.name}: its data have no column {', '.join(missing)} (they have "
            f"{', '.join(sorted(row))}): name a revision that has them with --revision {benchmark.name}=COMMIT"
        )


def find_weights(benchmark: Benchmark, data: Path | None) -> Path:
    """Return the file of weights that a metric needs: from the folder with the data, or from the Hub.

    Raises:
        HubError: it is not in the folder, and the Hub does not answer.
    """
    space, file = benchmark.weights
    if data is not None and (data / file).is_file():
        return data / file
    from huggingface_hub import hf_hub_download

    with explained(f"{file} of the Space {space} (benchmark {benchmark.name}; --data DIR with it in DIR does, too)"):
        return Path(hf_hub_download(space, file, repo_type="space"))
