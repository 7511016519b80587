"""Released failures as rows that TRL trains on: one real step of each trainer on a real small model."""

from pathlib import Path

import pytest
from publishing.conftest import Publish

from auditdm_hub import load_failures
from auditdm_hub.errors import ConfigError


@pytest.fixture
def releases(publish: Publish, tmp_path: Path) -> str:
    publish("", to=tmp_path / "releases")
    return str(tmp_path / "releases")


def test_formats_hold_the_rows(releases: str) -> None:
    plain = load_failures(releases)
    sft = load_failures(releases, format="sft")
    pairs = load_failures(releases, format="preference")
    assert len(sft) == len(plain)
    assert [row["completion"][0]["content"] for row in sft] == plain["consensus_answer"][:]
    assert [row["prompt"][0]["content"] for row in sft] == plain["question"][:]
    assert [row["rejected"][0]["content"] for row in pairs] == [said for said in plain["target_answer"] if said]
    assert sft[0]["images"][0].size == plain[0]["image"].size


@pytest.mark.parametrize(
    "arguments",
    [{"config": "failure"}, {"split": "validation"}, {"format": "dpo"}, {"config": "failure_types", "format": "sft"},
     {"config": "failure_types", "split": "test"}],
)  # fmt: skip
def test_wrong_arguments_are_refused(releases: str, arguments: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="wanted"):
        load_failures(releases, **arguments)  # type: ignore[arg-type]


@pytest.mark.filterwarnings("ignore::FutureWarning")  # TRL asks transformers for what will have another name
@pytest.mark.parametrize("format", ["sft", "preference"])
def test_trl_trains_on_them(releases: str, tmp_path: Path, format: str) -> None:
    from tiny_models import write_model
    from transformers import AutoModelForImageTextToText, AutoProcessor
    from trl import DPOConfig, DPOTrainer, SFTConfig, SFTTrainer

    folder = write_model("gemma3", tmp_path / "model")
    trainer, config = (SFTTrainer, SFTConfig) if format == "sft" else (DPOTrainer, DPOConfig)
    made = trainer(
        model=AutoModelForImageTextToText.from_pretrained(folder),
        args=config(
            output_dir=str(tmp_path / format), max_steps=1, per_device_train_batch_size=2, report_to="none",
            use_cpu=True, save_strategy="no", max_length=None, bf16=False,
        ),
        train_dataset=load_failures(releases, format=format).select(range(4)),  # type: ignore[arg-type]
        processing_class=AutoProcessor.from_pretrained(folder),
    )  # fmt: skip
    assert made.train().training_loss > 0
