"""A pytest plugin that lets a torchvision built for CUDA be imported beside a torch for the CPU.

Its compiled operators cannot be loaded there, and it fails on them while it is imported. No processor of transformers
calls one of them, so that they are declared here without being defined: what called one would fail.
"""

from importlib.util import find_spec
from pathlib import Path

import torch

BOXES = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"


def loads() -> bool:
    """Whether the operators of the torchvision that is here can be loaded; nothing is missing where there is none."""
    there = find_spec("torchvision")
    files = sorted(Path(there.origin).parent.glob("_C*.so")) if there and there.origin else []
    try:
        for file in files:
            torch.ops.load_library(file)
    except OSError:
        return False
    return True


if not loads():
    LIBRARY = torch.library.Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        LIBRARY.define(name + BOXES)
