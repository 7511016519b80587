"""Real TRL on a tiny real Gemma3: what is asked, target, references and vote are a fake that looks at the words."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from auditing.tiny_auditor import build_auditor
from auditing.training_case import STEPS, TINY, Case, LenientReward, log_without_times
from safetensors.torch import load_file

from auditdm_hub.auditing.checkpoints import latest_intact
from auditdm_hub.auditing.curriculum import free_rows
from auditdm_hub.auditing.prompts import PLAYGROUND_PROMPTS
from auditdm_hub.auditing.reward import AuditReward
from auditdm_hub.auditing.train import TrainingSettings, grpo_config, micro_batch
from auditdm_hub.auditing.watch import PARTS
from auditdm_hub.errors import ModelError
from auditdm_hub.models.transformers_auditor import TransformersAuditor
from auditdm_hub.records import Seed


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    return Case(build_auditor(tmp_path_factory.mktemp("base")))


@pytest.fixture(scope="module")
def whole(case: Case, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, AuditReward]:
    """A training that was not interrupted."""
    out = tmp_path_factory.mktemp("whole")
    return out, case.train(out)


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted(folder.iterdir())}


def test_training_writes_an_adapter_of_the_language_model_alone(whole: tuple[Path, AuditReward]) -> None:
    out, _ = whole
    assert set(contents(out / "adapter")) == {"adapter_config.json", "adapter_model.safetensors"}
    tensors = load_file(out / "adapter" / "adapter_model.safetensors")
    assert all("language_model" in name for name in tensors)
    assert any(tensor.abs().max() > 0 for name, tensor in tensors.items() if "lora_B" in name)
    assert not [file for file in out.rglob("README.md")]
    assert sorted(path.name for path in (out / "checkpoints").iterdir()) == ["checkpoint-2", "checkpoint-4"]


def test_every_step_is_logged_with_the_parts_of_the_reward(whole: tuple[Path, AuditReward]) -> None:
    lines = log_without_times(whole[0])
    assert [line["step"] for line in lines] == list(range(1, STEPS + 1))
    parts = {"search_success", "consensus_rate", "parse_ok", "unique", "effective_kinds", "search_success/question"}
    assert all(parts <= set(line) for line in lines)
    assert any(line["grad_norm"] > 0 for line in lines)
    assert lines[-1]["effective_kinds"] > 0


def test_the_parts_of_a_step_add_up_to_it(whole: tuple[Path, AuditReward]) -> None:
    for text in (whole[0] / "log.jsonl").read_text().splitlines():
        line = json.loads(text)
        seconds = {name: line[f"seconds.{name}"] for name in PARTS}
        assert min(seconds.values()) >= 0
        assert seconds["decode"] > 0 and seconds["update"] > 0
        beside = seconds["decode"] + seconds["update"]
        assert line["step_time"] < sum(seconds.values())  # with the optimiser's step, which TRL leaves out
        assert sum(seconds.values()) - beside < line["reward_time"] + 0.01
        assert line["memory.gib"] > 0.1


def test_the_adapter_changes_what_the_auditor_writes(case: Case, whole: tuple[Path, AuditReward]) -> None:
    texts = []
    for adapter in (None, whole[0] / "adapter"):
        auditor = TransformersAuditor.load(str(case.base), PLAYGROUND_PROMPTS.render, adapter, max_new_tokens=6)
        images = [case.images.get(case.seeds[0].image_sha)] * 16
        texts.append(auditor.write(images, ["question"] * 16, [""] * 16, [None] * 16, list(range(16))))
    assert texts[0] != texts[1]


@pytest.mark.parametrize("killed_at", [1, 3])
def test_a_resumed_training_ends_with_the_same_bytes(
    case: Case, whole: tuple[Path, AuditReward], tmp_path: Path, killed_at: int
) -> None:
    with pytest.raises(KeyboardInterrupt):
        case.train(tmp_path, stop_at=killed_at)
    assert not (tmp_path / "adapter").exists()
    torch.manual_seed(999)  # another process would have other random states
    reward = case.train(tmp_path, resume=True)
    assert contents(tmp_path / "adapter") == contents(whole[0] / "adapter")
    assert reward.state() == whole[1].state()
    assert log_without_times(tmp_path) == log_without_times(whole[0])


def test_a_torn_checkpoint_is_skipped(case: Case, whole: tuple[Path, AuditReward], tmp_path: Path) -> None:
    case.train(tmp_path)
    (tmp_path / "adapter").rename(tmp_path / "moved")
    optimizer = tmp_path / "checkpoints" / "checkpoint-4" / "optimizer.pt"
    optimizer.write_bytes(optimizer.read_bytes()[:100])
    case.train(tmp_path, resume=True)
    assert contents(tmp_path / "adapter") == contents(whole[0] / "adapter")
    assert [line["step"] for line in log_without_times(tmp_path)] == list(range(1, STEPS + 1))


def test_a_training_killed_after_its_last_checkpoint_writes_the_adapter(
    case: Case, whole: tuple[Path, AuditReward], tmp_path: Path
) -> None:
    case.train(tmp_path)
    (tmp_path / "adapter").rename(tmp_path / "adapter.tmp")  # as a kill while it was written leaves it
    case.train(tmp_path, resume=True)
    assert contents(tmp_path / "adapter") == contents(whole[0] / "adapter")
    assert log_without_times(tmp_path) == log_without_times(whole[0])


def test_a_finished_training_is_not_repeated_on_resume(case: Case, whole: tuple[Path, AuditReward]) -> None:
    before = contents(whole[0] / "adapter")
    reward = case.train(whole[0], resume=True)
    assert contents(whole[0] / "adapter") == before
    assert reward.state()["novelty"] == {}  # nothing was asked


def test_another_seed_gives_another_adapter(case: Case, whole: tuple[Path, AuditReward], tmp_path: Path) -> None:
    case.train(tmp_path, replace(TINY, seed=4, steps=1))
    assert contents(tmp_path / "adapter") != contents(whole[0] / "adapter")


def test_a_step_that_overflows_stops_the_training_before_its_checkpoint(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def enormous(self: AuditReward, *args: object, **columns: object) -> list[float]:
        calls.append(columns)
        return [1e38 if len(calls) == 4 else 1.0, 0.0] * 4

    monkeypatch.setattr(LenientReward, "__call__", enormous)
    settings = replace(TINY, scale_rewards="none")
    with pytest.raises(ModelError, match="training stopped at step 4: grad_norm is (inf|nan)"):
        case.train(tmp_path, settings)
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["checkpoint-2"]
    monkeypatch.undo()
    case.train(tmp_path, settings, resume=True)
    assert [line["step"] for line in log_without_times(tmp_path)] == list(range(1, STEPS + 1))


def test_weights_that_diverge_stop_the_training(case: Case, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="training stopped after step 1: the auditor's probabilities are no numbers"):
        case.train(tmp_path, replace(TINY, learning_rate=3e38, min_learning_rate=3e38, save_steps=4))
    with pytest.raises(ModelError, match="training stopped at step 1: the adapter holds values that are no numbers"):
        case.train(tmp_path, replace(TINY, learning_rate=1e39, min_learning_rate=1e39, save_steps=1))
    assert latest_intact(tmp_path / "checkpoints") is None


def test_the_papers_settings_reach_trl(tmp_path: Path) -> None:
    config = grpo_config(TrainingSettings(), "cpu", tmp_path)
    assert config.max_steps == 1000
    assert config.learning_rate == 3e-6
    assert config.warmup_steps == 100
    assert config.lr_scheduler_type == "cosine_with_min_lr"
    assert config.lr_scheduler_kwargs == {"min_lr": 1e-6}
    assert config.optim.startswith("adamw")
    assert config.per_device_train_batch_size * config.gradient_accumulation_steps == 256
    assert config.steps_per_generation == config.gradient_accumulation_steps
    assert not config.bf16


def test_batches_split_without_breaking_a_group() -> None:
    assert micro_batch(TrainingSettings(), "cpu", 1) == (64, 4)
    assert micro_batch(TrainingSettings(), "cuda", 4) == (8, 8)
    assert micro_batch(TrainingSettings(prompts_per_step=3, num_generations=4), "cuda", 1) == (6, 2)
    with pytest.raises(ValueError, match="must be a multiple of the number of processes, got 32 for 3"):
        micro_batch(TrainingSettings(), "cuda", 3)


def test_rows_cover_every_pair_before_any_twice() -> None:
    seeds = [Seed(name, "0" * 64, "", question, "", "", "", "discovery") for name, question in (("a", "q?"), ("b", ""))]
    rows = free_rows(seeds, ("question", "edit"), 7, seed=1)
    named = [(row.seed.id, row.action) for row in rows]
    assert set(named[:3]) == set(named[3:6]) == {("a", "question"), ("b", "question"), ("a", "edit")}
    assert len(named) == 7
    assert free_rows(seeds, ("question", "edit"), 7, seed=1) == rows
    assert any(free_rows(seeds, ("question", "edit"), 7, seed=other) != rows for other in range(2, 6))
    with pytest.raises(ValueError, match="nothing to train on: 1 images, actions edit, no questions"):
        free_rows(seeds[1:], ("edit",), 7, seed=1)


def test_training_makes_successes_more_frequent(case: Case, tmp_path: Path) -> None:
    settings = replace(
        TINY, steps=40, num_generations=8, prompts_per_step=4, learning_rate=4e-3, min_learning_rate=4e-4, lora_rank=8,
        lora_alpha=16, save_steps=40,
    )  # fmt: skip
    case.train(tmp_path, settings)
    success = [line["search_success"] for line in log_without_times(tmp_path)]
    assert sum(success[:3]) / 3 < 0.2  # an untrained model's words are random
    assert sum(success[-3:]) / 3 > 0.8
