"""A training that was interrupted ends with the weights of one that was not."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from transformers import PreTrainedModel, ProcessorMixin

from auditdm_hub.playground.build import train
from auditdm_hub.playground.build.architectures import BUILDERS, Built, Size, build
from auditdm_hub.playground.build.batches import TextBatch
from auditdm_hub.playground.build.grounding import Heads
from auditdm_hub.playground.build.lessons import Lessons
from auditdm_hub.playground.build.muon import Muon
from auditdm_hub.playground.build.roster import Entry
from auditdm_hub.playground.build.sight import freeze_sight
from auditdm_hub.playground.build.train import FLOOR, WARMUP, Schedule, fit, make_optimisers, rate_share

SIZE, SCHEDULE = Size(32, 2, 1, 2), Schedule(steps=6, pictures=2, learning_rate=0.1, seed=1)
every_family = pytest.mark.parametrize("family", sorted(BUILDERS))


class Interrupted(Exception):
    pass


class InterruptedLessons(Lessons):
    """Lessons that end after some batches."""

    left = 5

    def __call__(self, order: np.random.Generator, progress: float) -> tuple[TextBatch, torch.Tensor]:
        self.left -= 1
        if self.left < 0:
            raise Interrupted
        return super().__call__(order, progress)


def frozen(family: str, seed: int) -> Built:
    model, processor = build(family, SIZE, seed)
    freeze_sight(model)
    return model, processor


def entry(family: str) -> Entry:
    return Entry("tiny", "target", family, SIZE, SCHEDULE, 1, 2, scenes=12, each=4)


def say_nothing(step: int, line: str) -> None:
    pass


def weights(model: PreTrainedModel) -> dict[str, torch.Tensor]:
    return {name: weight.detach().clone() for name, weight in model.named_parameters()}


def trained(processor: ProcessorMixin, model: PreTrainedModel, family: str, saved: Path) -> Lessons:
    lessons = Lessons(entry(family), processor)
    fit(model, lessons, SCHEDULE, saved, say_nothing)
    return lessons


@pytest.mark.parametrize("family", ["gemma3", "paligemma"])
def test_an_interrupted_training_goes_on_where_it_was(
    family: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train, "SAVE_EVERY", 2)
    monkeypatch.setattr(train, "WARMUP", 2)
    model, processor = frozen(family, 1)
    start = weights(model)
    lessons = trained(processor, model, family, tmp_path / "whole")

    cut, _ = frozen(family, 1)
    with pytest.raises(Interrupted):
        fit(cut, InterruptedLessons(entry(family), processor), SCHEDULE, tmp_path / "cut", say_nothing)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cut", "whole"]
    resumed, _ = frozen(family, 9)  # what it starts with is overwritten by what was saved
    again = trained(processor, resumed, family, tmp_path / "cut")

    ended, wanted = weights(resumed), weights(model)
    assert [name for name, weight in wanted.items() if not torch.equal(ended[name], weight)] == []
    assert again.state() == lessons.state() != [1.0] * len(lessons.state())
    moved = {name for name, weight in wanted.items() if not torch.equal(start[name], weight)}
    assert moved == {name for name, weight in model.named_parameters() if weight.requires_grad}
    assert not resumed.training


def test_a_finished_training_is_left_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train, "SAVE_EVERY", 3)
    model, processor = frozen("llava", 1)
    trained(processor, model, "llava", tmp_path / "saved")
    other, _ = frozen("llava", 2)
    trained(processor, other, "llava", tmp_path / "saved")
    ended = weights(other)
    assert [name for name, weight in weights(model).items() if not torch.equal(ended[name], weight)] == []


def test_training_reports_and_lowers_the_loss(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train, "REPORT_EVERY", 20)
    monkeypatch.setattr(train, "WARMUP", 1)
    model, processor = frozen("llava", 1)
    schedule, said = Schedule(steps=40, pictures=4, learning_rate=0.01, seed=1), dict[int, str]()
    fit(model, Lessons(entry("llava"), processor), schedule, tmp_path / "saved", said.__setitem__)
    assert list(said) == [20, 40]
    first, last = (float(line.split()[3]) for line in said.values())
    assert said[20].startswith("step 20/40 loss ")
    assert last < 0.9 * first


@every_family
def test_every_weight_that_learns_has_one_optimiser(family: str) -> None:
    model, _ = frozen(family, 1)
    both = nn.ModuleList([model, Heads(32)])
    muon, adam = make_optimisers(both, 0.1)
    assert isinstance(muon, Muon)
    held = [weight for each in (muon, adam) for group in each.param_groups for weight in group["params"]]
    assert len(held) == len(set(held))
    assert set(held) == {weight for weight in both.parameters() if weight.requires_grad}
    matrices = set(muon.param_groups[0]["params"])
    assert {weight.ndim for weight in matrices} == {2}
    decoder = model.get_decoder()
    assert matrices == {
        weight for name, weight in decoder.named_parameters() if weight.ndim == 2 and "embed_tokens" not in name
    }


def test_the_rate_rises_to_its_peak_and_falls_to_its_floor() -> None:
    schedule = Schedule(steps=1000, pictures=1, learning_rate=1.0, seed=0)
    shares = [rate_share(schedule, step) for step in range(1000)]
    assert shares[0] == 1 / WARMUP
    assert max(shares) == shares[WARMUP] == 1
    assert shares[:WARMUP] == sorted(shares[:WARMUP])
    assert shares[WARMUP:] == sorted(shares[WARMUP:], reverse=True)
    assert shares[600] == pytest.approx((1 + FLOOR) / 2)
    assert shares[-1] == pytest.approx(FLOOR, abs=1e-4)
