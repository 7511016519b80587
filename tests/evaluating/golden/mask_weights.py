"""Random weights in the form of PaliGemma's mask decoder, and answers with masks that they are to be compared with."""

import random
from typing import Any

import numpy as np
from numpy.typing import NDArray

WIDTHS = (128, 128, 64, 32, 16)


def mask_weights() -> dict[str, Any]:
    """Return arrays by the names of `vae-oid.npz`, the same each time."""
    rng = np.random.default_rng(5)
    shapes: dict[str, tuple[int, ...]] = {"_vq_vae._embedding": (128, 512), "decoder.0": (128, 512, 1, 1)}
    for block in ("decoder.2.net", "decoder.3.net"):
        shapes |= {f"{block}.0": (128, 128, 3, 3), f"{block}.2": (128, 128, 3, 3), f"{block}.4": (128, 128, 1, 1)}
    for number, (one, two) in enumerate(zip(WIDTHS, WIDTHS[1:], strict=False)):
        shapes[f"decoder.{4 + 2 * number}"] = (one, two, 4, 4)
    shapes["decoder.12"] = (1, 16, 1, 1)
    found: dict[str, Any] = {}
    for name, shape in shapes.items():
        if name.startswith("_"):
            found[name] = rng.normal(size=shape).astype(np.float32)
            continue
        grows = name in {f"decoder.{4 + 2 * number}" for number in range(4)}
        width = shape[0] * 4 if grows else shape[1] * shape[2] * shape[3]
        found[f"{name}.weight"] = (rng.normal(size=shape) * (2 / width) ** 0.5).astype(np.float32)
        found[f"{name}.bias"] = (rng.normal(size=shape[1 if grows else 0]) * 0.1).astype(np.float32)
    found["decoder.12.bias"] += np.float32(1.15)  # about half of each mask is inside
    return found


def mask_cases() -> list[tuple[list[int], list[int], tuple[int, int], list[list[int]]]]:
    """Return (box tokens, mask tokens, (height, width), rectangles that are the wanted mask) of each case."""
    draw = random.Random(3)
    cases = []
    for number in range(40):
        height, width = draw.choice([(48, 64), (100, 37), (7, 300), (224, 224)])
        top, left = draw.randrange(900), draw.randrange(900)
        bottom, right = draw.randrange(top, 1024), draw.randrange(left, 1024)
        box = [top, left, bottom, right]
        codes = [draw.randrange(128) for _ in range(16)]
        if number % 10 == 7:
            box = [bottom, left, top, right]  # upside down
        if number % 10 == 8:
            box = [top, left, top, right]  # flat
        if number % 10 == 9:
            codes = codes[: draw.randrange(16)]  # cut off
        rows, columns = draw.randrange(1, height), draw.randrange(1, width)
        wanted = [[0, 0, rows, columns], [height // 2, width // 2, height, width]][: draw.randrange(1, 3)]
        if number % 3 == 0:
            wanted = [[top * height // 1023, left * width // 1023, max(bottom * height // 1023, 1), width]]
        cases.append((box, codes, (height, width), wanted))
    return cases


def mask_of(size: tuple[int, int], rectangles: list[list[int]]) -> NDArray[np.bool_]:
    """Return a mask, (height, width), True in the rectangles (top, left, bottom, right)."""
    mask = np.zeros(size, np.bool_)
    for top, left, bottom, right in rectangles:
        mask[top:bottom, left:right] = True
    return mask
