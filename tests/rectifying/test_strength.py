"""An adapter is scaled back until the model keeps what it could do."""

from pathlib import Path

import pytest
import torch
from noisy_adapter import write_noise
from PIL.Image import Image

from auditdm_hub.models import load_vlm
from auditdm_hub.models.loading import Loading, load_parts
from auditdm_hub.models.quiet import quiet_libraries
from auditdm_hub.models.spec import ModelSpec
from auditdm_hub.playground.backends import pictures
from auditdm_hub.playground.models import TARGET, model_folder
from auditdm_hub.rectifying.examples import REPLAY, Example
from auditdm_hub.rectifying.strength import (
    FEWEST,
    SHARES,
    Strength,
    Wanted,
    _choose,
    _is_last,
    scale_adapter,
    scale_back,
)

BASE = str(model_folder(TARGET))
SPEC = ModelSpec(BASE, Loading("cpu"))


@pytest.fixture(scope="module")
def adapter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An adapter that repairs nothing: noise on the weights."""
    return write_noise(BASE, tmp_path_factory.mktemp("noise") / "adapter", 0.3)


@pytest.fixture(scope="module")
def kept() -> tuple[list[Example], dict[str, Image]]:
    """What the model answers itself."""
    pool = list(pictures(2 * FEWEST, 8))
    answers = load_vlm(BASE, device="cpu").answer([image for image, _, _ in pool], [question for *_, question in pool])
    rows = [
        Example(str(number), question, answer or "", REPLAY, str(number))
        for number, ((_, _, question), answer) in enumerate(zip(pool, answers, strict=True))
    ]
    return rows, {str(number): image for number, (image, _, _) in enumerate(pool)}


def weights(adapter: Path | None) -> torch.Tensor:
    with quiet_libraries():
        model, _, _ = load_parts(BASE, Loading("cpu"), adapter=str(adapter) if adapter else None)
    return torch.cat([weight.flatten() for name, weight in model.named_parameters() if "q_proj" in name]).detach()


def test_so_large_a_share_of_the_change_is_kept(adapter: Path, tmp_path: Path) -> None:
    scale_adapter(adapter, 0.25, tmp_path / "scaled")
    before, whole, scaled = weights(None), weights(adapter), weights(tmp_path / "scaled")
    assert (whole - before).abs().max() > 0.01
    torch.testing.assert_close(scaled - before, 0.25 * (whole - before), atol=1e-5, rtol=1e-3)


def test_what_forgets_is_scaled_back_as_far_as_is_needed(
    adapter: Path, kept: tuple[list[Example], dict[str, Image]], tmp_path: Path
) -> None:
    rows, images = kept
    out = tmp_path / "out"
    anything = scale_back(SPEC, adapter, rows, images.__getitem__, Wanted(0.999), out)
    assert [each.share for each in anything] == [1.0]
    margin = anything[0].replays / 2
    tried = scale_back(SPEC, adapter, rows, images.__getitem__, Wanted(margin), out)
    assert tried[0].replays > margin >= tried[-1].replays
    assert 0 < tried[-1].share < 1
    change = (weights(out) - weights(None)).norm() / (weights(adapter) - weights(None)).norm()
    assert change == pytest.approx(tried[-1].share, abs=0.01)
    assert not list(tmp_path.glob("*.tried")) + list(tmp_path.glob("*.partial"))


def test_a_handful_of_lessons_does_not_scale_an_adapter_back(
    adapter: Path, kept: tuple[list[Example], dict[str, Image]], tmp_path: Path
) -> None:
    rows, images = kept
    tried = scale_back(SPEC, adapter, rows, images.__getitem__, Wanted(0.999, 0.5), tmp_path / "out")
    assert [each.share for each in tried] == [1.0]


def test_without_a_share_that_keeps_enough_the_least_is_kept(
    adapter: Path, kept: tuple[list[Example], dict[str, Image]], tmp_path: Path
) -> None:
    rows, images = kept
    impossible = [Example(row.image_sha, row.question, "nonsense", REPLAY, "") for row in rows]
    tried = scale_back(SPEC, adapter, impossible, images.__getitem__, Wanted(0.5), tmp_path / "out")
    assert [each.share for each in tried] == sorted(SHARES[1:], reverse=True) + [1.0]


def test_too_few_held_out_rows_leave_it_whole(
    adapter: Path, kept: tuple[list[Example], dict[str, Image]], tmp_path: Path
) -> None:
    rows, images = kept
    assert scale_back(SPEC, adapter, rows[: FEWEST - 1], images.__getitem__, Wanted(0.0), tmp_path / "out") == []
    assert torch.equal(weights(tmp_path / "out"), weights(adapter))


def test_the_least_that_repairs_enough_is_kept() -> None:
    tried = [Strength(1.0, 0.1, 0.05), Strength(0.9, 0.15, 0.02), Strength(0.8, 0.2, 0.01), Strength(0.7, 0.3, 0.005)]

    def chosen(wanted: Wanted) -> float:
        count = next((k for k, each in enumerate(tried, 1) if _is_last(each, wanted)), len(tried))
        return _choose(tried[:count], wanted).share

    assert chosen(Wanted(1.0, 0.8)) == 0.8
    assert chosen(Wanted(1.0, 0.85)) == 0.9
    assert chosen(Wanted(1.0, 0.95)) == 1.0  # none repairs so much
    assert chosen(Wanted(0.02)) == 0.9
    assert chosen(Wanted(0.02, 0.85)) == 0.9
    assert chosen(Wanted(0.01, 0.85)) == 0.8  # to keep goes before to repair
    assert chosen(Wanted(0.001, 0.5)) == 0.7
