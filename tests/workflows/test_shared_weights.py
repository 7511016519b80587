"""An audit of the model that its auditor starts from holds the weights once, and finds the same."""

from pathlib import Path
from typing import Any

import pytest

from auditdm_hub import audit
from auditdm_hub.models import loading
from auditdm_hub.playground.models import AUDITOR, REFERENCES, model_folder
from auditdm_hub.workflows.parts import Cast

SMALL: dict[str, Any] = {
    "target": str(model_folder(AUDITOR)), "auditor": str(model_folder(AUDITOR)),
    "references": [str(model_folder(name)) for name in REFERENCES], "pool_size": 60, "probes": 24, "steps": 4,
    "training": {"prompts_per_step": 4, "num_generations": 4, "save_steps": 2, "rounds": 2, "learning_rate": 1e-3},
    "device": "cpu", "yes": True,
}  # fmt: skip


def tables(run: Path) -> dict[str, bytes]:
    kept = [*run.rglob("*.parquet"), *run.glob("auditor/adapter/*"), run / "types.json"]
    return {file.relative_to(run).as_posix(): file.read_bytes() for file in kept}


@pytest.mark.timeout(600)
def test_it_is_loaded_once_and_nothing_else_is_different(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[str] = []
    whole = loading._model

    def counted(name: str, *how: Any) -> Any:  # noqa: ANN401
        loaded.append(Path(name).name)
        return whole(name, *how)

    monkeypatch.setattr(loading, "_model", counted)
    audit(out=str(tmp_path / "shared"), **SMALL)
    assert loaded.count(AUDITOR) == 1
    assert sorted(loaded) == sorted([AUDITOR, *REFERENCES])
    loaded.clear()
    monkeypatch.setattr(Cast, "shared", None)
    audit(out=str(tmp_path / "apart"), **SMALL)
    assert loaded.count(AUDITOR) > 2
    assert tables(tmp_path / "shared") == tables(tmp_path / "apart")
