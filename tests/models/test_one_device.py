"""A Trainer in one process uses the device that the model is on, however many the machine has."""

from pathlib import Path

import pytest
import torch
from transformers import TrainingArguments

from auditdm_hub.models.one_device import on_one_device


def test_of_several_gpus_one_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = list[torch.device]()
    monkeypatch.setattr(torch.cuda, "set_device", chosen.append)
    arguments = TrainingArguments(output_dir=str(tmp_path), use_cpu=True)
    arguments._n_gpu = 2  # as transformers counts them
    second = torch.device("cuda:1")
    kept = on_one_device(arguments, second)
    assert (kept.n_gpu, kept.device, chosen) == (1, second, [second])


def test_processes_and_the_cpu_are_left_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = TrainingArguments(output_dir=str(tmp_path), use_cpu=True)
    assert on_one_device(arguments, torch.device("cpu")).device.type == "cpu"
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert on_one_device(arguments, torch.device("cuda:1")).device.type == "cpu"
