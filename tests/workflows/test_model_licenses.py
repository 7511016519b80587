"""Licences of models that lie in folders of the same name."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from auditdm_hub.errors import ConfigError
from auditdm_hub.models.revision import versioned
from auditdm_hub.workflows.model_licenses import license_lookup


def folder(place: Path, licence: str) -> Path:
    place.mkdir(parents=True)
    (place / "config.json").write_text(f'{{"of": "{place}"}}')
    (place / "README.md").write_text(f"---\nlicense: {licence}\n---\n")
    return place


def test_two_folders_of_one_name_have_each_its_own(tmp_path: Path) -> None:
    one, other = folder(tmp_path / "qwen" / "final", "apache-2.0"), folder(tmp_path / "llama" / "final", "llama3")
    run: Any = SimpleNamespace(config={"target": str(one), "references": [str(other)]})
    look_up = license_lookup(run, {})
    assert [look_up(f"{versioned(str(each))}+adapter@1") for each in (one, other)] == ["apache-2.0", "llama3"]
    with pytest.raises(ConfigError, match="--model-license final: .* are called so: rename a folder"):
        license_lookup(run, {"final": "mit"})(versioned(str(one)))
    alone: Any = SimpleNamespace(config={"target": str(one)})
    assert license_lookup(alone, {"final": "mit"})(versioned(str(one))) == "mit"
