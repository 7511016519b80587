"""The families of models that tests run on: those of everywhere, and those that need torchvision where it is."""

import pytest
import tiny_models
import tiny_torchvision

THERE = [*sorted(tiny_models.BUILDERS), *(sorted(tiny_torchvision.BUILDERS) if tiny_torchvision.THERE else ())]
ALL = [
    *sorted(tiny_models.BUILDERS),
    *(pytest.param(family, marks=tiny_torchvision.MARKS) for family in sorted(tiny_torchvision.BUILDERS)),
]
OWN_WAY = frozenset({"qwen2_5_vl", "qwen3_vl"})
"""Families whose processors pack images in a way that is not shared here: they are asked through them."""
