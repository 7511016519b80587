"""A pytest plugin that lets a torchvision built for CUDA be imported beside a torch for the CPU.

Its compiled operators cannot be loaded there, and it fails on them while it is imported. No processor of transformers
calls one of them, so that they are declared here without being defined: what called one would fail.
"""

import torch

BOXES = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"

if torch.version.cuda is None:
    LIBRARY = torch.library.Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        LIBRARY.define(name + BOXES)
