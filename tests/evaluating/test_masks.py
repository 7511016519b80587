"""Overlap of segmentations against big_vision's evaluator with the same random decoder (golden/make.py)."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from evaluating.golden.mask_weights import mask_cases, mask_of, mask_weights
from evaluating.rows import MAKERS, write_rows
from tiny_models import write_model

from auditdm_hub.errors import ConfigError, HubError
from auditdm_hub.evaluating.scoring.masks import MaskDecoder, decode, encode
from auditdm_hub.workflows.evaluation import Evaluation, run_evaluation

GOLDEN = json.loads((Path(__file__).parent / "golden" / "miou.json").read_text())["cases"]


@pytest.fixture(scope="module")
def decoder(tmp_path_factory: pytest.TempPathFactory) -> MaskDecoder:
    file = tmp_path_factory.mktemp("weights") / "vae-oid.npz"
    np.savez(file, **mask_weights())
    return MaskDecoder.load(file)


def test_overlaps_are_those_of_the_official_evaluator(decoder: MaskDecoder) -> None:
    answers = [case["input"][0] for case in GOLDEN]
    masks = [mask_of(tuple(size), rectangles) for _, size, rectangles in (case["input"] for case in GOLDEN)]
    found = decoder.overlaps(answers, masks)
    assert found == pytest.approx([case["expected"] for case in GOLDEN], abs=1e-9)
    assert sum(score > 0 for score in found) > 15
    assert [decoder.overlaps([answer], [mask])[0] for answer, mask in zip(answers, masks, strict=True)] == found


def test_what_follows_the_tokens_is_ignored_and_what_is_before_them_is_not(decoder: MaskDecoder) -> None:
    said, size, rectangles = next(case["input"] for case in GOLDEN if case["expected"] > 0)
    mask = mask_of(tuple(size), rectangles)
    right = decoder.overlaps([said], [mask])
    assert decoder.overlaps([f" {said} cat ; {said}"], [mask]) == right
    wrong = [f"cat {said}", said.replace("<seg", "<sag"), "", "[0.1, 0.1, 0.5, 0.5]", "<loc0001>" * 20]
    assert decoder.overlaps(wrong, [mask] * len(wrong)) == [0.0] * len(wrong)


def test_polygons_become_masks_and_text() -> None:
    square = [10, 10, 30, 10, 30, 20, 10, 20]
    mask = decode(encode(square, 40, 30))
    assert mask.shape == (30, 40)
    assert (mask == mask_of((30, 40), [[10, 10, 20, 30]])).all()
    two = decode(encode([square, [0, 0, 5, 0, 5, 5, 0, 5]], 40, 30))
    assert (two == mask_of((30, 40), [[10, 10, 20, 30], [0, 0, 5, 5]])).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda held: held.pop("_vq_vae._embedding"), "holds no weights"),
        (lambda held: held.pop("decoder.4.weight"), "holds no weights"),
        (lambda held: held.update({"_vq_vae._embedding": np.zeros((3, 512))}), r"a codebook of \(3, 512\)"),
        (lambda held: held.update({"decoder.0.bias": np.zeros(7)}), "holds no weights"),
    ],
)
def test_other_weights_are_refused(change: Any, message: str, tmp_path: Path) -> None:  # noqa: ANN401
    held = mask_weights()
    change(held)
    np.savez(tmp_path / "vae.npz", **held)
    with pytest.raises(ConfigError, match=message):
        MaskDecoder.load(tmp_path / "vae.npz")


@pytest.mark.parametrize("held", [b"nothing", b"", b"PK\x03\x04 cut off"])
def test_a_file_that_is_no_archive_is_refused(held: bytes, tmp_path: Path) -> None:
    (tmp_path / "vae.npz").write_bytes(held)
    with pytest.raises(ConfigError, match="cannot be read"):
        MaskDecoder.load(tmp_path / "vae.npz")


def test_empty_masks_overlap_with_nothing(decoder: MaskDecoder) -> None:
    said = next(case["input"][0] for case in GOLDEN if case["expected"] > 0)
    assert decoder.overlaps([said, "nothing"], [np.zeros((50, 50), np.bool_)] * 2) == [0.0, 0.0]
    with pytest.raises(ValueError, match="without a polygon"):
        encode([], 4, 4)


def test_the_benchmark_needs_paligemma_and_the_weights(tmp_path: Path, decoder: MaskDecoder) -> None:
    data = write_rows(tmp_path / "data", "refcoco-seg", [MAKERS["refcoco-seg"](n) for n in range(3)])
    chat, prefix = (str(write_model(family, tmp_path / family)) for family in ("llava", "paligemma"))

    def evaluated(model: str, name: str) -> dict[str, Any]:
        wanted = Evaluation(model, benchmarks=("refcoco-seg",), data=str(data), device="cpu")
        run = run_evaluation(wanted, tmp_path / name)
        (score,) = json.loads((run.path / "evaluation.json").read_text())["scores"]["model"]
        return dict(score)

    with pytest.raises(HubError, match="vae-oid.npz of the Space big-vision/paligemma .*--data DIR"):
        evaluated(prefix, "without")
    np.savez(Path(data) / "vae-oid.npz", **mask_weights())
    with pytest.raises(ConfigError, match="reads the segmentation tokens that PaliGemma writes.*refcoco compares"):
        evaluated(chat, "chat")
    assert not (tmp_path / "without").exists() and not (tmp_path / "chat").exists()
    score = evaluated(prefix, "whole")
    assert (score["benchmark"], score["items"], score["value"]) == ("refcoco-seg", 6, 0.0)  # it writes nonsense
    assert score["metric"] == "mean overlap (IoU) of segmentations"


def test_there_are_cases_of_every_kind() -> None:
    boxes = [box for box, *_ in mask_cases()]
    assert any(box[0] > box[2] for box in boxes)
    assert any(box[0] == box[2] for box in boxes)
    assert any(len(codes) < 16 for _, codes, *_ in mask_cases())
