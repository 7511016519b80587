"""The image pool of an audit: a folder of images, or any data set that `datasets` loads, turned into seeds.

Each source image belongs to one split for ever: a hash of its pixels decides, so that a failure type found on the
discovery images can be confirmed, repaired and tested on images that no earlier stage has seen. An image that cannot
be used (unreadable, animated, too large) is counted by reason and left out; an empty pool is an error.
"""

import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from PIL import Image

from auditdm_hub.auditing.novelty import frame
from auditdm_hub.errors import BackendUnavailableError, ConfigError, PoolError
from auditdm_hub.images import ImageStore
from auditdm_hub.records import ROLES, Seed, Split, content_id

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff")
MAX_PIXELS = 50_000_000
TOO_LARGE = f"has more than {MAX_PIXELS // 1_000_000} million pixels"
# Parts of a hundred: most images serve discovery, which wants variety; the others want only enough for statistics.
SPLITS: tuple[tuple[Split, int], ...] = (("discovery", 60), ("confirm", 20), ("rectify", 10), ("test", 10))


@dataclass(frozen=True, slots=True)
class PoolItem:
    """An image of the pool with what is known of it, or the reason why it cannot be used."""

    source: str
    image: Image.Image | None
    caption: str = ""
    question: str = ""
    answer: str = ""
    licence: str = ""
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Pool:
    """The seeds of a run, and how many images were skipped for which reason."""

    seeds: tuple[Seed, ...]
    skipped: Mapping[str, int]


def split_of(image_sha: str) -> Split:
    """Return the split of a source image."""
    number = int(image_sha[-8:], 16) % 100
    for split, share in SPLITS:
        if number < share:
            return split
        number -= share
    raise AssertionError("the shares of the splits add up to 100")


def fill_pool(
    items: Iterable[PoolItem], size: int, store: ImageStore, progress: Callable[[int, int], None] | None = None
) -> Pool:
    """Store up to `size` usable images and return their seeds, in the order of the source.

    The same image twice is one seed per distinct question.

    Raises:
        PoolError: no image can be used.
    """
    seeds: dict[str, Seed] = {}
    skipped: Counter[str] = Counter()
    for item in items:
        if item.image is None:
            skipped[item.fault] += 1
            continue
        sha = store.put(item.image)
        name = content_id(sha, item.question, item.caption)
        if name in seeds:
            skipped["the same image and question again"] += 1
            continue
        seeds[name] = Seed(
            name, sha, item.caption, item.question, item.answer, item.source, item.licence, split_of(sha)
        )  # fmt: skip
        if progress:
            progress(len(seeds), size)
        if len(seeds) == size:
            break
    if not seeds:
        reasons = "; ".join(f"{count} x {reason}" for reason, count in skipped.most_common()) or "it is empty"
        raise PoolError(
            f"the pool has no usable image ({reasons}): name a folder with images or a data set with --pool"
        )
    return Pool(tuple(seeds.values()), dict(sorted(skipped.items())))


def evenly(items: Callable[[], Iterable[PoolItem]], surplus: float) -> Iterator[PoolItem]:
    """Yield first those items whose kind of question has no more than `surplus` times its even share before them.

    A kind is a frame, the words of structure of a question; items without a question are one kind. `items` is called
    again for what was left out, should that be wanted after all.
    """
    taken, kinds, left = Counter[str](), set[str](), set[int]()
    for number, item in enumerate(items()):
        kind = frame(item.question)
        kinds.add(kind)
        if item.image is None or taken[kind] <= surplus * taken.total() / len(kinds):
            taken[kind] += item.image is not None
            yield item
        else:
            left.add(number)
    yield from (item for number, item in enumerate(items()) if number in left) if left else ()


def holds_images(folder: Path) -> bool:
    """Whether a folder, or one below it, holds an image file."""
    return any(path.suffix.lower() in SUFFIXES for path in folder.rglob("*"))


def folder_items(folder: Path, licence: str) -> Iterator[PoolItem]:
    """Yield the images of a folder and its subfolders by name; `photo.txt` beside `photo.jpg` holds its caption.

    Raises:
        PoolError: the folder does not exist.
    """
    if not folder.is_dir():
        raise PoolError(f"--pool {folder}: there is no such folder")
    for path in sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES):
        beside = path.with_suffix(".txt")
        caption = " ".join(beside.read_text(errors="replace").split()) if beside.is_file() else ""
        image = _read(partial(Image.open, path))
        if isinstance(image, str):
            yield PoolItem(path.name, None, fault=image)
        else:
            yield PoolItem(path.relative_to(folder).as_posix(), image, caption, licence=licence)


def dataset_items(name: str, columns: Mapping[str, str], licence: str) -> Iterator[PoolItem]:
    """Yield the rows of a data set: `id`, `id:split` or `id@revision:split`, or a folder that `datasets` loads.

    Args:
        name: what `datasets.load_dataset` takes, with an optional revision and split (default "train"), streamed.
        columns: which column holds which of `ROLES`; a column of the same name is found without it.
        licence: licence of the images; "" = what the data set says of itself, if anything.

    Raises:
        ConfigError: `columns` names a column that is not there.
        PoolError: the data set cannot be loaded.
    """
    rows = _load(name)
    found: dict[str, str] = {}
    for number, row in enumerate(rows):
        if not found:
            found = {role: columns.get(role, role) for role in ROLES if role in columns or role in row}
            missing = [column for column in found.values() if column not in row]
            if missing or "image" not in found:
                wanted = missing[0] if missing else "image"
                raise ConfigError(
                    f"--pool {name}: no column {wanted!r}, it has {', '.join(sorted(row))}; "
                    "say which is which with --columns image=..."
                )
        yield _row_item(f"{name}#{number}", row, found, licence or _licence(rows))


def _row_item(source: str, row: Mapping[str, Any], found: Mapping[str, str], licence: str) -> PoolItem:
    held = row[found["image"]]
    image = _read(lambda: _opened(held)) if held is not None else "the image is missing"
    if isinstance(image, str):
        return PoolItem(source, None, fault=image)
    texts = {role: _text(row[column]) for role, column in found.items() if role != "image"}
    return PoolItem(source, image, licence=licence, **texts)


def _opened(held: object) -> Image.Image:
    """Return the picture of a cell: one that is decoded already, or the bytes or the path of one."""
    import datasets

    if isinstance(held, Mapping) and (held.get("bytes") or held.get("path")):
        opened: Image.Image = datasets.Image().decode_example(dict(held))
        return opened
    if not isinstance(held, Image.Image):
        raise TypeError("the image column holds no image")
    return held


def _load(name: str) -> Iterable[Mapping[str, Any]]:
    try:
        import datasets
    except ImportError:
        raise BackendUnavailableError("--pool with a data set needs `pip install datasets`") from None
    place, _, split = name.partition(":")
    place, _, revision = place.partition("@")
    try:
        rows: Iterable[Mapping[str, Any]] = datasets.load_dataset(
            place, split=split or "train", revision=revision or None, streaming=True
        )
    except (OSError, ValueError, RuntimeError) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise PoolError(f"--pool {name}: cannot be loaded ({first})") from None
    # Decoded row by row, so that one broken image does not end the pool.
    features = getattr(rows, "features", None) or {}
    for column, feature in features.items():
        if isinstance(feature, datasets.Image):
            rows = rows.cast_column(column, datasets.Image(decode=False))  # type: ignore[attr-defined]
    return rows


def _licence(rows: object) -> str:
    info = getattr(rows, "info", None)
    return str(getattr(info, "license", "") or "")


def _read(open_image: Callable[[], Image.Image]) -> Image.Image | str:
    """Return an image as RGB, upright, or why it cannot be used; a huge one is never decoded."""
    from PIL import ImageOps

    try:
        with warnings.catch_warnings(action="ignore", category=Image.DecompressionBombWarning):
            opened = open_image()
        with opened as image:
            if getattr(image, "is_animated", False):
                return "is animated"
            if image.width * image.height > MAX_PIXELS:
                return TOO_LARGE
            if min(image.size) < 8:
                return "is smaller than 8 pixels"
            return ImageOps.exif_transpose(image).convert("RGB")
    except Image.DecompressionBombError:
        return TOO_LARGE
    except TypeError as error:
        return str(error)
    except (OSError, ValueError, SyntaxError):
        return "cannot be read as an image"


def _text(value: object) -> str:
    """Return a cell as text: the first of several captions or answers."""
    while isinstance(value, list):
        value = value[0] if value else ""
    if isinstance(value, Mapping):
        value = value.get("text") or value.get("answer") or ""
    return "" if value is None else str(value)
