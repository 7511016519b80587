"""Which model lies where, and since when: a line for each that is loaded or moved, in the log of whoever keeps one.

2026-11-26T22:30:01 google/gemma-3-4b-it@093f9f388b31 on cuda:0, 8.0 GiB; 61.2 of 79.1 GiB are free
2026-11-26T22:41:17 black-forest-labs/FLUX.1-dev to the memory of the host; 46.0 of 79.1 GiB are free
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditdm_hub.clock import GIB

if TYPE_CHECKING:
    import torch

LOG = logging.getLogger("auditdm_hub.placement")


def loaded(name: str, model: Any, where: "torch.device | str") -> None:  # noqa: ANN401 - of transformers or diffusers
    """Note that a model was loaded; quantised and spread models say of each device what they hold there."""
    held = dict[str, int]()
    for weight in {id(each): each for each in model.parameters()}.values():
        held[str(weight.device)] = held.get(str(weight.device), 0) + weight.nbytes
    places = " and ".join(f"{device}, {size / GIB:.1f} GiB" for device, size in held.items()) or str(where)
    LOG.info("%s on %s%s", name, places, _free(where))


def moved(name: str, where: "torch.device") -> None:
    """Note that an image model was brought to a device, or back."""
    LOG.info("%s to %s%s", name, "the memory of the host" if where.type == "cpu" else where, _free(where))


def _free(where: "torch.device | str") -> str:
    import torch

    device = torch.device(where)
    if not torch.cuda.is_available() or device.type not in ("cuda", "cpu"):
        return ""
    free, whole = torch.cuda.mem_get_info(device if device.type == "cuda" else None)
    return f"; {free / GIB:.1f} of {whole / GIB:.1f} GiB are free"


@contextmanager
def placement_log(file: Path) -> Iterator[None]:
    """Append what is loaded and moved meanwhile to a file."""
    handler = logging.FileHandler(file, encoding="utf-8", delay=True)
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%Y-%m-%dT%H:%M:%S"))
    before = LOG.level
    LOG.addHandler(handler)
    LOG.setLevel(logging.INFO)
    LOG.propagate = False
    try:
        yield
    finally:
        LOG.removeHandler(handler)
        LOG.setLevel(before)
        LOG.propagate = True
        handler.close()
