"""Images that come several times in a batch: prepared and seen once, with the same result."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from families import ALL
from PIL import Image
from tiny_models import SIDE, write_model

from auditdm_hub.models import repeats
from auditdm_hub.models.loading import Loading, load_parts
from auditdm_hub.models.repeats import grouped, share_repeats

COLORS = ("red", "green", "red", "red", "green", "blue")


def pictures() -> list[Image.Image]:
    """Six of three colors, no two of them the same object, with some noise."""
    rng = np.random.default_rng(0)
    noise = {color: rng.integers(0, 40, (SIDE, SIDE, 3), dtype=np.uint8) for color in set(COLORS)}
    return [Image.fromarray(np.asarray(Image.new("RGB", (SIDE, SIDE), color)) // 2 + noise[color]) for color in COLORS]


def prepared(processor: Any) -> dict[str, Any]:  # noqa: ANN401
    return dict(processor.image_processor([[image] for image in pictures()], return_tensors="pt"))


@pytest.mark.parametrize("family", ALL)
def test_what_is_shared_is_what_each_would_get(family: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repeats, "LARGE", 1)
    model, processor, _ = load_parts(str(write_model(family, tmp_path / "model")), Loading("cpu"))
    before = prepared(processor)
    tower = getattr(model.base_model, "vision_tower", None)
    plain = tower(before["pixel_values"]) if tower is not None and before["pixel_values"].dim() == 4 else None
    seen = list[int]()
    if plain is not None:
        forward = tower.forward
        tower.forward = lambda pixels, **options: (seen.append(len(pixels)), forward(pixels, **options))[1]
    share_repeats(model, processor)
    share_repeats(model, processor)  # once is enough

    counted = list[int]()
    kind = type(processor.image_processor)
    inner = kind.__mro__[2].preprocess
    monkeypatch.setattr(kind.__mro__[2], "preprocess", lambda self, images, *a, **o: (
        counted.append(len(images)), inner(self, images, *a, **o))[1])  # fmt: skip
    after = prepared(processor)
    assert counted == [3]
    assert set(after) == set(before)
    for name, value in before.items():
        assert type(after[name]) is type(value)
        assert torch.equal(after[name], value) if torch.is_tensor(value) else after[name] == value
    if plain is not None:
        found = tower(before["pixel_values"])
        assert seen == [3]
        torch.testing.assert_close(found.last_hidden_state, plain.last_hidden_state)
        assert list(found) == list(plain)
    processor.save_pretrained(tmp_path / "again")
    again = load_parts(str(tmp_path / "model"), Loading("cpu"))[1]
    assert type(again.image_processor).__name__ == kind.__name__
    assert "_PreparesOnce" not in (tmp_path / "again" / "processor_config.json").read_text()


def test_what_does_not_repeat_or_is_small_is_left_alone() -> None:
    asked = list[int]()

    def tower(pixels: torch.Tensor, **options: object) -> tuple[torch.Tensor]:
        asked.append(len(pixels))
        return (pixels.sum((2, 3)),)

    see = repeats._sees_once(tower)
    small, large = torch.arange(4.0)[:, None, None, None], torch.rand(4, 3, 224, 224)
    for pixels, rows in ((small.expand(4, 3, 8, 8)[[0, 0, 1]], 3), (large, 4), (large[[0, 1, 0, 0]], 2)):
        assert torch.equal(see(pixels)[0], pixels.sum((2, 3)))
        assert asked.pop() == rows
    almost = large[[0, 0]].clone()
    almost[1, 2, 100, 1] += 1  # not among the numbers that are looked at first
    assert torch.equal(see(almost)[0], almost.sum((2, 3)))
    assert asked.pop() == 2
    see(large[[0, 0]], mask=torch.ones(2))  # a row of another input may differ
    assert asked.pop() == 2
    assert grouped("abac") == ([0, 1, 3], [0, 1, 0, 2])
