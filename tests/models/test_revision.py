import shutil
from pathlib import Path

import pytest
from PIL import Image

from auditdm_hub.models import load_vlm
from auditdm_hub.models.revision import folder_revision, versioned

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def test_a_folder_is_named_by_its_content(tmp_path: Path) -> None:
    folder = tmp_path / "m"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"weights")
    first = versioned(str(folder))
    assert first == f"m@{folder_revision(folder)}"
    (folder / "README.md").write_text("# A card")
    assert versioned(str(folder)) == first
    shutil.copytree(folder, tmp_path / "elsewhere" / "m")
    assert versioned(str(tmp_path / "elsewhere" / "m")) == first
    (folder / "model.safetensors").write_bytes(b"Weights")
    assert versioned(str(folder)) != first


def test_a_model_of_the_hub_is_named_by_its_commit(
    tmp_path: Path, tiny_folders: dict[str, Path], pictures: list[Image.Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert versioned("org/tiny", COMMIT) == "org/tiny@0123456789ab"
    assert versioned("org/tiny") == "org/tiny"
    repository = tmp_path / "models--org--tiny"
    shutil.copytree(tiny_folders["llava"], repository / "snapshots" / COMMIT)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(COMMIT)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    assert versioned("org/tiny") == "org/tiny@0123456789ab"
    model = load_vlm("org/tiny", max_new_tokens=4)
    assert model.id == "org/tiny@0123456789ab"
    local = load_vlm(str(tiny_folders["llava"]), max_new_tokens=4)
    assert model.answer(pictures[:1], ["is it red ?"]) == local.answer(pictures[:1], ["is it red ?"])
