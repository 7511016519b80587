"""Images that come several times in a batch for an auditor are prepared and seen once.

GRPO writes a group of texts on each image, and shows the image again for every one of them: to the image processor
twice in a step, to the vision tower once when it writes and once or twice when it learns. The tower is frozen, so all
of a group can share what it sees. What comes out has as many rows as what went in.

Of small images the tower costs little, and stays as it is: a smaller batch may round in another way.
"""

from collections.abc import Callable, Hashable, Sequence
from typing import Any

import torch
from PIL.Image import Image
from transformers.utils.generic import ModelOutput

from auditdm_hub.images import image_sha

LARGE = 224 * 224
"""Pixels from which on a tower is worth sparing."""
SEEN = 1024
"""Numbers of an image by which it is told from others, before all of them are compared."""
GRID, PATCHES = "image_grid_thw", "pixel_values"
"""Of the processors that pack the patches of all images into one table (Qwen-VL)."""


def share_repeats(model: Any, processor: Any) -> None:  # noqa: ANN401 - transformers has no common type
    """Let a loaded model and its processor do once what a batch asks of them several times."""
    prepares = processor.image_processor
    if not isinstance(prepares, _PreparesOnce):
        kind = type(prepares)
        prepares.__class__ = type(kind.__name__, (_PreparesOnce, kind), {"__module__": kind.__module__})
    tower = getattr(model.base_model, "vision_tower", None)
    if tower is not None and not hasattr(tower.forward, "sees_once"):
        tower.forward = _sees_once(tower.forward)


def grouped(names: Sequence[Hashable]) -> tuple[list[int], list[int]]:
    """Return where each name comes first, and for every name which of those it is."""
    first: dict[Hashable, int] = {}
    places = [first.setdefault(name, k) for k, name in enumerate(names)]
    rank = {place: k for k, place in enumerate(first.values())}
    return list(first.values()), [rank[place] for place in places]


class _PreparesOnce:
    """Stands before the class of an image processor; it is saved under the name of that."""

    def preprocess(self, images: Any, *args: Any, **options: Any) -> Any:  # noqa: ANN401
        """Prepare images, one for each row."""
        prepare: Callable[..., Any] = super().preprocess  # type: ignore[misc]
        single = _one_a_row(images)
        first, which = grouped(_names(single))
        if len(first) == len(single):
            return prepare(images, *args, **options)
        done = prepare([images[k] for k in first], *args, **options)
        spread = _spread(dict(done), len(first), which)
        return prepare(images, *args, **options) if spread is None else type(done)(spread)


def _one_a_row(images: Any) -> list[Image]:  # noqa: ANN401
    """Return the images where every row has just one, else nothing."""
    if not isinstance(images, list):
        return []
    rows = [row[0] if isinstance(row, list | tuple) and len(row) == 1 else row for row in images]
    return rows if all(isinstance(row, Image) for row in rows) else []


def _names(images: Sequence[Image]) -> list[str]:
    known: dict[int, str] = {}
    for image in images:
        if id(image) not in known:
            known[id(image)] = f"{image.mode} {image_sha(image)}"
    return [known[id(image)] for image in images]


def _spread(values: dict[str, Any], count: int, which: list[int]) -> dict[str, Any] | None:
    """Return the values with a row for every image; None if they do not have one for each that was prepared."""
    grid = values.get(GRID)
    if grid is not None:
        sizes = [int(torch.as_tensor(each).prod()) for each in grid]
        if len(sizes) != count or sum(sizes) != len(values[PATCHES]):
            return None
        parts = torch.as_tensor(values[PATCHES]).split(sizes)
        return {
            name: torch.cat([parts[k] for k in which]) if name == PATCHES else _rows(value, which)
            for name, value in values.items()
        }
    if not all(hasattr(value, "__len__") and len(value) == count for value in values.values()):
        return None
    return {name: _rows(value, which) for name, value in values.items()}


def _rows(value: Any, which: list[int]) -> Any:  # noqa: ANN401
    return [value[k] for k in which] if isinstance(value, list | tuple) else value[which]


def _sees_once(forward: Callable[..., Any]) -> Callable[..., Any]:
    """Return a tower's function that looks at each image of a batch once."""

    def see(pixel_values: Any, *args: Any, **options: Any) -> Any:  # noqa: ANN401
        if not _is_large(pixel_values) or any(torch.is_tensor(more) for more in (*args, *options.values())):
            return forward(pixel_values, *args, **options)
        first, which = grouped(_marks(pixel_values))
        same = all(torch.equal(pixel_values[k], pixel_values[first[group]]) for k, group in enumerate(which))
        if len(first) == len(which) or not same:
            return forward(pixel_values, *args, **options)
        return _output(forward(pixel_values[first], *args, **options), len(first), which)

    see.sees_once = True  # type: ignore[attr-defined]
    return see


def _is_large(pixels: Any) -> bool:  # noqa: ANN401
    """Whether this is a batch of large images, (N, C, H, W)."""
    return torch.is_tensor(pixels) and pixels.dim() == 4 and pixels.shape[2] * pixels.shape[3] >= LARGE


def _marks(pixels: torch.Tensor) -> list[Hashable]:
    """Return a mark of each image, the same for the same images; (N, C, H, W)."""
    flat = pixels.flatten(1)  # (N, P)
    some = flat[:, :: max(1, flat.shape[1] // SEEN)].cpu().double()  # (N, SEEN or more)
    return [row.numpy().tobytes() for row in some]


def _output(value: Any, count: int, which: list[int]) -> Any:  # noqa: ANN401
    if isinstance(value, ModelOutput):
        return type(value)(**{name: _output(each, count, which) for name, each in value.items()})
    if isinstance(value, tuple):
        return tuple(_output(each, count, which) for each in value)
    return value[which] if torch.is_tensor(value) and len(value) == count else value
