from pathlib import Path

import numpy as np
import pytest
from families import THERE
from PIL import Image
from tiny_models import write_model


@pytest.fixture(scope="session")
def tiny_folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One small random model of each family, on disk."""
    base = tmp_path_factory.mktemp("models")
    return {family: write_model(family, base / family) for family in THERE}


@pytest.fixture(scope="session")
def pictures() -> list[Image.Image]:
    rng = np.random.default_rng(0)
    return [Image.fromarray(rng.integers(0, 255, (32, 32, 3), dtype=np.uint8)) for _ in range(5)]
