"""Pipelines of diffusers as generator and editor: real classes, untrained."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_pipelines
import tiny_torchvision
import torch
from PIL import Image

from auditdm_hub.errors import ModelError
from auditdm_hub.models.diffusion import (
    FAILED,
    ONE_COLOR,
    PATIENCE,
    WITHHELD,
    DiffusersEditor,
    DiffusersGenerator,
    Drawing,
    Stage,
    fitted,
    is_flat,
)  # fmt: skip
from auditdm_hub.records import NotMade

QUICK = Drawing(steps=2, size=32)
EDITORS = [
    *tiny_pipelines.EDITORS,
    *(pytest.param(name, marks=tiny_torchvision.MARKS) for name in tiny_pipelines.NEED_TORCHVISION),
]
NOISE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 56, 3), dtype=np.uint8))


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pipelines")
    later = tiny_pipelines.NEED_TORCHVISION if tiny_torchvision.THERE else ()
    names = (*tiny_pipelines.GENERATORS, *tiny_pipelines.EDITORS, *later)
    return {name: tiny_pipelines.save(name, folder) for name in names}


@pytest.mark.parametrize("name", tiny_pipelines.GENERATORS)
def test_a_caption_is_drawn_the_same_beside_whatever_else(saved: dict[str, Path], name: str) -> None:
    generator = DiffusersGenerator.load(str(saved[name]), QUICK, Stage("cpu"))
    three = generator.generate(["a cup", "two cups", "a cup"], [1, 2, 3])
    alone = generator.generate(["two cups"], [2])
    assert [image.size for image in three if isinstance(image, Image.Image)] == [(32, 32)] * 3
    assert pixels(three[1]) == pixels(alone[0])
    assert len({pixels(image) for image in three}) == 3
    assert generator.id.endswith("(2 steps, 32 pixels)")


@pytest.mark.parametrize("name", EDITORS)
def test_an_edit_is_as_large_as_its_image(saved: dict[str, Path], name: str) -> None:
    editor = DiffusersEditor.load(str(saved[name]), replace(QUICK, guidance=4.0, size=64), Stage("cpu"))
    edited = editor.edit([NOISE, NOISE, NOISE.convert("L")], ["red", "blue", "red"], [1, 1, 1])
    assert [image.size for image in edited if isinstance(image, Image.Image)] == [NOISE.size] * 3
    assert pixels(edited[0]) != pixels(edited[1])
    assert pixels(edited[0]) == pixels(editor.edit([NOISE], ["red"], [1])[0])


def test_a_pipeline_of_the_other_kind_is_refused_in_one_line(saved: dict[str, Path], tmp_path: Path) -> None:
    stage = Stage("cpu")
    with pytest.raises(ModelError, match="FluxPipeline, wanted a pipeline for image-editing"):
        DiffusersEditor.load(str(saved["flux"]), QUICK, stage)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelError, match="cannot load .* as a pipeline of diffusers") as caught:
        DiffusersGenerator.load(str(tmp_path / "empty"), QUICK, stage)
    assert "\n" not in str(caught.value)
    with pytest.raises(ModelError, match="there is no such folder"):
        DiffusersGenerator.load(str(tmp_path / "nowhere"), QUICK, stage)


class Scripted:
    """A pipeline that returns a given picture, and says where it is."""

    def __init__(self, picture: Image.Image, unsafe: bool | None = None) -> None:
        self.picture, self.unsafe, self.moves = picture, unsafe, list[str]()

    def __call__(self, prompt: str, generator: object = None) -> Any:  # noqa: ANN401 - as diffusers
        del prompt, generator
        return type("Output", (), {"images": [self.picture], "nsfw_content_detected": [self.unsafe]})()

    def to(self, device: object) -> None:
        self.moves.append(str(device))


@pytest.mark.parametrize(
    ("picture", "unsafe", "why"), [(Image.new("RGB", (8, 8)), None, ONE_COLOR), (NOISE, True, WITHHELD)]
)
def test_a_black_picture_and_one_that_was_withheld_are_none(
    picture: Image.Image, unsafe: bool | None, why: NotMade
) -> None:
    generator = DiffusersGenerator(Scripted(picture, unsafe), "scripted", Drawing(), Stage("cpu"))
    assert generator.generate(["a", "b"], [1, 2]) == [why, why]
    fine = DiffusersGenerator(Scripted(NOISE, False), "scripted", Drawing(), Stage("cpu"))
    assert pixels(fine.generate(["a"], [1])[0]) == pixels(NOISE)


class Failing(Scripted):
    """Fails on some prompts."""

    def __call__(self, prompt: str, generator: object = None) -> Any:  # noqa: ANN401 - as diffusers
        if prompt in ("fail", "memory"):
            raise RuntimeError("bad shape") if prompt == "fail" else torch.OutOfMemoryError("CUDA out of memory")
        return super().__call__(prompt, generator)


class Large(Scripted):
    """Does not fit."""

    def to(self, device: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")


def test_a_picture_that_fails_is_left_out_and_a_pipeline_that_always_does_ends_it() -> None:
    generator = DiffusersGenerator(Failing(NOISE), "scripted", Drawing(), Stage("cpu"))
    for _ in range(2):
        made = generator.generate(["fail"] * (PATIENCE - 1) + ["a"], range(PATIENCE))
        assert [image == FAILED for image in made] == [True] * (PATIENCE - 1) + [False]
    with pytest.raises(ModelError, match=r"scripted failed on 8 pictures in a row \(bad shape\): see why.*--resume"):
        generator.generate(["fail"] * PATIENCE, range(PATIENCE))
    for pipeline, prompt in ((Failing(NOISE), "memory"), (Large(NOISE), "a")):
        with pytest.raises(ModelError, match="scripted does not fit on cpu .*`offload: model`"):
            DiffusersGenerator(pipeline, "scripted", Drawing(), Stage("cpu")).generate([prompt], [1])


def test_kontext_is_asked_for_the_shape_of_its_image(saved: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    editor = DiffusersEditor.load(str(saved["flux-kontext"]), Drawing(steps=1), Stage("cpu"))
    asked = dict[str, Any]()
    kind, accepted = type(editor._pipeline), dict(editor._accepted)
    accepted["max_area"] = accepted["max_area"].replace(default=64 * 64)
    editor._accepted = accepted
    call = kind.__call__

    def spied(self: Any, **options: Any) -> Any:  # noqa: ANN401
        asked.update(options)
        return call(self, **options)

    monkeypatch.setattr(kind, "__call__", spied)
    (made,) = editor.edit([Image.new("RGB", (100, 50), "red")], ["blue"], [1])
    assert (asked["width"], asked["height"]) == (96, 48)
    assert asked["image"].size == (96, 48)
    assert made == ONE_COLOR or (isinstance(made, Image.Image) and made.size == (100, 50))


def test_one_pipeline_is_on_the_device_at_a_time() -> None:
    stage, first, second = Stage("cpu"), Scripted(NOISE), Scripted(NOISE)
    one, two = (DiffusersGenerator(each, "scripted", Drawing(), stage) for each in (first, second))
    one.generate(["a", "b"], [1, 2])
    two.generate(["a"], [1])
    one.generate(["a"], [1])
    assert (first.moves, second.moves) == (["cpu", "cpu", "cpu"], ["cpu", "cpu"])


def test_sizes_and_flat_pictures() -> None:
    assert fitted((640, 480), 1024) == (1024, 768)
    assert fitted((3, 1000), 64) == (16, 64)
    assert is_flat(Image.new("L", (4, 4), 9))
    almost = Image.new("RGB", (4, 4), (9, 9, 9))
    almost.putpixel((0, 0), (9, 9, 13))
    assert not is_flat(almost)


def pixels(image: Image.Image | NotMade) -> bytes:
    assert isinstance(image, Image.Image)
    return image.tobytes()
