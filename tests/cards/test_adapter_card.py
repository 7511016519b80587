"""The card of an adapter."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import yaml
from cards.sections import sections
from hub_server import HubServer
from huggingface_hub import HfApi, ModelCard
from peft import LoraConfig, PeftModel, get_peft_model
from publishing.conftest import Publish
from transformers import AutoModelForImageTextToText

from auditdm_cards import adapter_card
from auditdm_cards.adapter import co2_grams
from auditdm_hub.errors import ReleaseError
from auditdm_hub.evaluating.comparison import Comparison, Measured
from auditdm_hub.playground.models import model_folder
from auditdm_hub.publishing.facts import Adapter, License

BETTER = Comparison(
    "counting", "error", "lower", Measured(0.9, 0.8, 0.95, 50), Measured(0.1, 0.05, 0.2, 50), -0.8, -0.9, -0.7, 0.001
)  # fmt: skip
WORSE = Comparison(
    "VQAv2", "accuracy", "higher", Measured(0.8, 0.78, 0.82, 900), Measured(0.7, 0.68, 0.72, 900), -0.1, -0.13, -0.07,
    0.01, dataset_id="org/vqa", task_id="vqa", revision="abc",
)  # fmt: skip
ADAPTER = Adapter(
    "org/fix", True, "v1.0.0", License("apache-2.0"), "org/base@123", "apache-2.0", "rectified",
    comparisons=(BETTER, WORSE),
)  # fmt: skip


def text(adapter: Adapter) -> str:
    return adapter_card(adapter)["README.md"].decode()


def test_regressions_are_named_first() -> None:
    said = sections(adapter_card(ADAPTER)["README.md"])["Before and after"]
    assert (
        said.index("Worse than before:** VQAv2 (80.0% → 70.0%)") < said.index("| VQAv2 |") < said.index("| counting |")
    )
    assert (
        "Nothing got significantly worse" in adapter_card(replace(ADAPTER, comparisons=(BETTER,)))["README.md"].decode()
    )


def test_what_was_not_measured_is_not_claimed() -> None:
    card = text(replace(ADAPTER, comparisons=()))
    assert "Before and after" not in card
    assert "It was not evaluated on benchmarks" in card
    assert "CO2" not in card
    assert "model-index" not in card


def test_the_yaml_and_the_results_are_what_the_hub_reads() -> None:
    files = adapter_card(replace(ADAPTER, datasets=("org/failures@v1.0.0",)))
    data = ModelCard(files["README.md"].decode()).data
    assert (data.base_model, data.library_name, data.license) == ("org/base", "peft", "apache-2.0")
    assert data.datasets == ["org/failures"]
    assert data.to_dict()["base_model_relation"] == "adapter"
    (entry,) = yaml.safe_load(files[".eval_results/org-vqa-vqa.yaml"])
    assert (entry["dataset"]["id"], entry["value"]) == ("org/vqa", 0.7)


def test_co2_is_power_times_time_times_the_average_of_electricity() -> None:
    assert co2_grams("NVIDIA H100 80GB", 3600) == pytest.approx(0.7 * 475)
    assert co2_grams("something", 3600) is None
    assert co2_grams("NVIDIA H100", 0) is None
    card = text(replace(ADAPTER, hardware="NVIDIA H100", seconds=3600.0))
    assert "700 W x time x 475 g/kWh" in card


def save_adapter(folder: Path, seed: int, *modules: str) -> PeftModel:
    """Save an adapter with random weights for the playground's auditor."""
    base = AutoModelForImageTextToText.from_pretrained(model_folder("auditor"))
    torch.manual_seed(seed)
    made = get_peft_model(base, LoraConfig(r=4, target_modules=list(modules), init_lora_weights=False))
    made.save_pretrained(folder)
    return made  # type: ignore[return-value]


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")  # peft asks transformers for it
def test_an_adapter_is_published_and_loaded_by_the_code_of_its_card(
    hub: HubServer, publish: Publish, tmp_path: Path
) -> None:
    """With peft, from the Hub, on its base from the Hub; merged weights answer the same."""
    HfApi().create_repo("ada/base")
    HfApi().upload_folder(repo_id="ada/base", folder_path=model_folder("auditor"))
    trained = save_adapter(tmp_path / "adapter", 0, "q_proj", "v_proj")
    with pytest.raises(ReleaseError, match="is no model of the Hub; say it with --base ORG/NAME"):
        publish("ada/fix", adapter=tmp_path / "adapter")
    first = publish("ada/fix", adapter=tmp_path / "adapter", base="ada/base")
    assert publish("ada/fix", adapter=tmp_path / "adapter", base="ada/base").fresh is False
    card = Path(HfApi().hf_hub_download("ada/fix", "README.md", revision="v1.0.0")).read_text()
    space: dict[str, object] = {}
    (block,) = re.findall(r"```python\n(.*?)```", card, re.DOTALL)
    load, merge = block.split("merged = ")
    exec(load, space)
    ids = torch.tensor([[1, 5, 7, 9]])
    with torch.no_grad():
        wanted = trained(input_ids=ids).logits
        found = space["model"](input_ids=ids).logits  # type: ignore[operator]
        exec(f"merged = {merge}", space)
        merged = space["merged"](input_ids=ids).logits  # type: ignore[operator]
    assert torch.equal(found, wanted)
    assert (merged - wanted).norm() < 0.02 * wanted.norm()  # the base is in bfloat16
    save_adapter(tmp_path / "again", 1, "q_proj", "v_proj")
    assert str(publish("ada/fix", adapter=tmp_path / "again", base="ada/base").version) == "v1.1.0"
    save_adapter(tmp_path / "other", 1, "q_proj")
    assert str(publish("ada/fix", adapter=tmp_path / "other", base="ada/base").version) == "v2.0.0"
    assert str(first.version) == "v1.0.0"
