"""The images that a run is about, by its configuration: the playground's, a folder's, a data set's, or given ones.

They are scaled down to a size that all models and image makers can take (`image_side`): of a photo of 12 million pixels
some models make more than 10,000 tokens, and a thousand of them fill the memory.
"""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from PIL import Image

from auditdm_hub.auditing.pool import PoolItem, dataset_items, evenly, folder_items, holds_images
from auditdm_hub.config import PLAYGROUND, AuditConfig
from auditdm_hub.errors import ConfigError

GIVEN = "images from Python"
"""What a configuration calls images that were given as objects; they cannot be had again."""
SCANNED = 8
"""Pictures that the playground may draw for each of a balanced pool."""


def pool_items(config: AuditConfig, given: Iterable[PoolItem] | None = None) -> Iterable[PoolItem]:
    """Return the images that a configuration names, or those that are given, balanced if it wants that.

    Raises:
        ConfigError: columns are named of what has none, or one that is not there.
        PoolError: the folder or the data set cannot be read.
    """
    if config.columns and (given is not None or config.pool == PLAYGROUND):
        named = ", ".join(config.columns)
        raise ConfigError(f"columns: got {named} for the pool {config.pool}, which has no columns")
    side = config.image_side
    if config.pool_balance:
        return (_fitted(item, side) for item in evenly(lambda: _in_order(config, given), config.pool_balance))
    return (_fitted(item, side) for item in _in_order(config, given))


def _fitted(item: PoolItem, side: int) -> PoolItem:
    """Return an item whose image has no side of more pixels; 0 = any."""
    image = item.image
    if image is None or not side or max(image.size) <= side:
        return item
    scale = side / max(image.size)
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    return replace(item, image=image.convert("RGB").resize(size, Image.Resampling.LANCZOS))


def _in_order(config: AuditConfig, given: Iterable[PoolItem] | None) -> Iterable[PoolItem]:
    from auditdm_hub.playground.backends import LICENCE, pictures

    folder = Path(config.pool)
    if given is not None:
        return (replace(item, licence=item.licence or config.pool_license) for item in given)
    if config.pool == PLAYGROUND:
        count = config.pool_size * (SCANNED if config.pool_balance else 1)
        return (
            PoolItem(f"playground#{number}", image, caption, question, licence=LICENCE)
            for number, (image, caption, question) in enumerate(pictures(count, config.seed))
        )
    if folder.is_dir() and not config.columns and holds_images(folder):
        return folder_items(folder, config.pool_license)
    return dataset_items(config.pool, config.columns, config.pool_license)
