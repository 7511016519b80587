"""Loading: in few bits, with another attention, pinned, and what a Hub, a card or a repository refuses."""

import json
import shutil
import time
from pathlib import Path

import pytest
import tiny_torchvision
import torch
from hub_server.fixtures import hub
from hub_server.server import HubServer
from huggingface_hub import HfApi, constants
from noisy_adapter import write_noise
from tiny_models import write_model

from auditdm_hub.errors import ModelError
from auditdm_hub.models import load_vlm, loading
from auditdm_hub.models.loading import Loading, load_parts
from auditdm_hub.playground.backends import pictures
from auditdm_hub.playground.models import TARGET, model_folder

__all__ = ["hub"]
HOLDOUT = model_folder("holdout")


def test_another_attention_and_precision_answer_alike() -> None:
    rows = list(pictures(30, 7))
    images, questions = [row[0] for row in rows], [row[2] for row in rows]
    plain = load_vlm(str(HOLDOUT), device="cpu").answer(images, questions)
    eager = load_vlm(str(HOLDOUT), device="cpu", attention="eager", dtype="bfloat16")
    assert eager._model.config._attn_implementation == "eager"
    assert next(eager._model.parameters()).dtype == torch.bfloat16
    assert sum(a == b for a, b in zip(eager.answer(images, questions), plain, strict=True)) >= 27


def test_four_bits_are_smaller() -> None:
    """Answers are not asked: on a CPU bitsandbytes multiplies widths of multiples of 64 only."""
    folder = str(model_folder(TARGET))
    model, _, _ = load_parts(folder, Loading("cpu", bits=4))
    whole, _, _ = load_parts(folder, Loading("cpu"))
    assert model.get_memory_footprint() < 0.7 * whole.get_memory_footprint()


def upload(name: str) -> None:
    HfApi().create_repo(name)
    HfApi().upload_folder(folder_path=HOLDOUT, repo_id=name)


def test_a_commit_can_be_pinned_by_name(hub: HubServer) -> None:
    upload("ada/vlm")
    first = HfApi().model_info("ada/vlm").sha or ""
    HfApi().upload_file(path_or_fileobj=b"{}", path_in_repo="extra.json", repo_id="ada/vlm")
    second = HfApi().model_info("ada/vlm").sha or ""
    assert load_parts(f"ada/vlm@{first}", Loading("cpu"))[2] == f"ada/vlm@{first[:12]}"
    assert load_parts("ada/vlm", Loading("cpu"))[2] == f"ada/vlm@{second[:12]}"


def test_what_the_hub_does_not_give_is_one_line_at_once(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = time.monotonic()
    with pytest.raises(ModelError, match=r"^ada/nobody: not found") as caught:
        load_vlm("ada/nobody", device="cpu")
    assert "\n" not in str(caught.value)
    upload("ada/vlm")
    with pytest.raises(ModelError, match=r"^ada/vlm: there is no such version"):
        load_vlm("ada/vlm", revision="v9", device="cpu")
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(ModelError, match=r"^ada/other: the connection failed"):
        load_vlm("ada/other", device="cpu")
    assert time.monotonic() - begun < 30


def test_a_gated_model_says_who_grants_access(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    upload("ada/gated")
    HfApi().update_repo_settings("ada/gated", gated="manual")
    monkeypatch.setenv("HF_TOKEN", hub.token("bob"))
    with pytest.raises(
        ModelError, match=r"^ada/gated: access is granted by its owner: ask for it on its page"
    ) as caught:
        load_vlm("ada/gated", device="cpu")
    assert "\n" not in str(caught.value)


def test_an_adapter_is_merged_only_where_nothing_is_rounded(tmp_path: Path) -> None:
    adapter = write_noise(str(HOLDOUT), tmp_path / "adapter", 0.5)
    plain, merged, beside = (
        load_parts(str(HOLDOUT), Loading("cpu", dtype=dtype), adapter=path)[0]
        for dtype, path in (("bfloat16", None), ("float32", str(adapter)), ("bfloat16", str(adapter)))
    )
    layers = {name for name, _ in beside.named_modules() if name.endswith("lora_A")}
    assert layers
    assert not {name for name, _ in merged.named_modules() if "lora" in name}
    assert type(beside) is type(plain)
    whole, _, _ = load_parts(str(HOLDOUT), Loading("cpu", dtype="bfloat16"), adapter=str(adapter), merge=True)
    assert not {name for name, _ in whole.named_modules() if "lora" in name}
    asked = [(image, question) for image, _, question in pictures(12, 3)]
    answers = [
        load_vlm(str(HOLDOUT), adapter=path, dtype=dtype, device="cpu").answer(*map(list, zip(*asked, strict=True)))
        for dtype, path in (("float32", str(adapter)), ("bfloat16", str(adapter)), ("bfloat16", None))
    ]
    same = [sum(a == b for a, b in zip(answers[0], other, strict=True)) for other in answers[1:]]
    assert same[0] > same[1]


def test_code_of_a_repository_is_refused_and_the_way_to_allow_it_is_said(tmp_path: Path) -> None:
    folder = tmp_path / "own-code"
    shutil.copytree(HOLDOUT, folder)
    config = json.loads((folder / "config.json").read_text())
    config |= {
        "model_type": "unheard_of",
        "auto_map": {"AutoConfig": "own.Config", "AutoModelForImageTextToText": "own.Model"},
    }
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "own.py").write_text("raise SystemExit('this must not run')\n")
    with pytest.raises(ModelError, match="wants to run code of its own repository.*models.remote_code"):
        load_vlm(str(folder), device="cpu")


def test_a_model_that_is_too_large_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: object, where: object) -> object:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.\nmore")

    monkeypatch.setattr("transformers.PreTrainedModel.to", full)
    with pytest.raises(ModelError, match=r"does not fit on cpu, its weights take 0\.0 GiB: list it under") as caught:
        load_vlm(str(HOLDOUT), device="cpu")
    assert "\n" not in str(caught.value)
    assert loading.is_out_of_memory(caught.value.__cause__ or caught.value)


@pytest.mark.skipif(tiny_torchvision.THERE, reason="it is installed, and loads")
def test_a_processor_that_needs_another_library_names_it(tmp_path: Path) -> None:
    write_model("llava", tmp_path / "video")
    for name in ("preprocessor_config.json", "processor_config.json"):
        (tmp_path / "video" / name).unlink(missing_ok=True)
    parts = {
        "image_processor": {"image_processor_type": "Qwen2VLImageProcessor"}, "processor_class": "Qwen2_5_VLProcessor",
        "video_processor": {"video_processor_type": "Qwen2VLVideoProcessor"},
    }  # fmt: skip
    (tmp_path / "video" / "processor_config.json").write_text(json.dumps(parts))
    with pytest.raises(ModelError, match="needs torchvision, which is not installed: pip install torchvision$"):
        load_vlm(str(tmp_path / "video"), device="cpu")
