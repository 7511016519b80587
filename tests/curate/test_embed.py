"""The shipped embedder: verified, unit length, without torch."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from auditdm_hub.curate import distill, embed
from auditdm_hub.errors import BackendUnavailableError, ModelError


def test_paraphrases_lie_closer_than_other_questions() -> None:
    rows = embed.load_embedder().embed(
        ["what color is the star?", "which color does the star have?", "how many dots does the die show?", ""]
    )
    assert rows.shape == (4, 256)
    assert rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows[:3], axis=1), 1, atol=1e-6)
    assert not rows[3].any()
    assert rows[0] @ rows[1] > 0.75 > 0.4 > rows[0] @ rows[2]
    assert embed.load_embedder().embed([]).shape == (0, 256)


def test_it_needs_no_torch() -> None:
    code = (
        "import sys; from auditdm_hub.curate.embed import load_embedder; load_embedder().embed(['a star']);"
        "sys.exit(int(any(name in sys.modules for name in ('torch', 'transformers', 'datasets'))))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_changed_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(embed.SHIPPED, tmp_path / "embedder")
    config = tmp_path / "embedder" / "config.json"
    config.write_text(config.read_text() + " ")
    monkeypatch.setattr(embed, "SHIPPED", tmp_path / "embedder")
    with pytest.raises(ModelError, match=r"config\.json must have the SHA-256"):
        embed.load_embedder()


def test_a_model2vec_folder_is_named_by_its_hash_and_anything_else_needs_sentence_transformers(tmp_path: Path) -> None:
    shutil.copytree(embed.SHIPPED, tmp_path / "mine")
    mine = embed.load_embedder(str(tmp_path / "mine"))
    assert mine.id.endswith("mine@" + embed.SHIPPED_SHA256["model.safetensors"][:12])
    (tmp_path / "mine" / "tokenizer.json").unlink()
    with pytest.raises(ModelError, match="a folder that model2vec wrote"):
        embed.load_embedder(str(tmp_path / "mine"))
    if "sentence_transformers" not in sys.modules:
        with pytest.raises(BackendUnavailableError, match="pip install sentence-transformers"):
            embed.load_embedder("no-such/model")


def test_distillation_refuses_another_source(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"other weights")
    with pytest.raises(ModelError, match=distill.SOURCE_SHA256):
        distill.distill(tmp_path, tmp_path / "out")


def test_the_card_states_the_hashes_that_are_verified() -> None:
    card = (embed.SHIPPED / "README.md").read_text()
    assert all(f"| `{name}` | `{value}` |" in card for name, value in embed.SHIPPED_SHA256.items())
    assert distill.SOURCE_SHA256 in card
