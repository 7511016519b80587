"""More images of a run's pool: those that may be trained on, or those on which failure types are confirmed."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from auditdm_hub.auditing.pool import PoolItem, fill_pool
from auditdm_hub.auditing.pool import split_of as stage_of
from auditdm_hub.config import AuditConfig
from auditdm_hub.images import ImageStore, image_sha
from auditdm_hub.records import Seed
from auditdm_hub.rectifying.examples import may_teach
from auditdm_hub.runs import Run
from auditdm_hub.tables import read_rows, write_table
from auditdm_hub.workflows.pools import pool_items

TABLE = "seeds.parquet"
ENDLESS = 10**9


@dataclass(frozen=True, slots=True)
class MoreImages:
    """Images in a store, with what stands beside them."""

    store: ImageStore
    seeds: tuple[Seed, ...]


def images_of(run: Run) -> MoreImages:
    """Return the images of a run that may be trained on."""
    seeds = (Seed(**row) for row in read_rows(run.path / TABLE))  # type: ignore[arg-type]
    return MoreImages(run.images, tuple(seed for seed in seeds if may_be_taught(seed.image_sha)))


def are_there(folder: Path) -> bool:
    """Whether a folder has its images."""
    return (folder / TABLE).is_file()


def may_be_taught(sha: str) -> bool:
    """Whether an image may be trained on: of discovery, and of no release's test split."""
    return stage_of(sha) == "discovery" and may_teach(sha)


def confirms(sha: str) -> bool:
    """Whether an image serves to confirm failure types."""
    return stage_of(sha) == "confirm"


def fresh_images(
    config: AuditConfig, count: int, folder: Path, progress: Callable[[int, int], None] | None = None,
    given: Iterable[PoolItem] | None = None,
) -> MoreImages:  # fmt: skip
    """Return so many images of a pool on which failure types are confirmed, each with all that stands beside it.

    The arguments are those of `more_images`; `given`: images in the place of the pool.

    Raises:
        PoolError: the pool has none.
    """
    found: set[str] = set()

    def chosen() -> Iterator[PoolItem]:
        for item in pool_items(config, given):
            sha = image_sha(item.image) if item.image else ""
            if not sha or not confirms(sha):
                continue
            if sha not in found and len(found) == count:
                return
            found.add(sha)
            yield item

    store, table = ImageStore(folder), folder / TABLE
    if not are_there(folder):
        folder.mkdir(parents=True, exist_ok=True)
        told = progress or (lambda done, total: None)
        seeds = fill_pool(chosen(), ENDLESS, store, lambda done, total: told(min(len(found), count), count)).seeds
        write_table(table, [asdict(seed) for seed in seeds])
    return MoreImages(store, tuple(Seed(**row) for row in read_rows(table)))  # type: ignore[arg-type]


def more_images(
    config: AuditConfig, count: int, folder: Path, progress: Callable[[int, int], None] | None = None
) -> MoreImages:
    """Return so many images of a pool that may be trained on.

    Args:
        config: names the pool, and its seed.
        count: how many; fewer if the pool has not so many.
        folder: where they are kept; if they are there, no other is looked for.
        progress: is told (done, in all).

    Raises:
        PoolError: the pool has none.
    """
    store, table = ImageStore(folder), folder / TABLE
    if not are_there(folder):
        folder.mkdir(parents=True, exist_ok=True)
        items = (item for item in pool_items(config) if item.image is None or may_be_taught(image_sha(item.image)))
        write_table(table, [asdict(seed) for seed in fill_pool(items, count, store, progress).seeds])
    return MoreImages(store, tuple(Seed(**row) for row in read_rows(table)))  # type: ignore[arg-type]
