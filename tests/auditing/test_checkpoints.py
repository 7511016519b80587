import json
from pathlib import Path

from auditdm_hub.auditing.checkpoints import SEAL, intact, latest_intact, seal, step_of


def checkpoint(folder: Path, step: int) -> Path:
    path = folder / f"checkpoint-{step}"
    (path / "deep").mkdir(parents=True)
    (path / "weights").write_bytes(b"1234")
    (path / "deep" / "state").write_text("state")
    seal(path)
    return path


def test_a_sealed_checkpoint_is_intact(tmp_path: Path) -> None:
    path = checkpoint(tmp_path, 5)
    assert intact(path)
    assert sorted(json.loads((path / SEAL).read_text())) == ["deep/state", "weights"]


def test_every_kind_of_damage_shows(tmp_path: Path) -> None:
    cut, changed, missing, unsealed, extra, garbled = (checkpoint(tmp_path, step) for step in range(6))
    (cut / "weights").write_bytes(b"12")
    (changed / "deep" / "state").write_text("stale")
    (missing / "weights").unlink()
    (unsealed / SEAL).unlink()
    (extra / "more").touch()
    (garbled / SEAL).write_text("{")
    assert not any(intact(path) for path in (cut, changed, missing, unsealed, extra, garbled, tmp_path / "none"))


def test_the_latest_intact_one_is_found_by_number_and_torn_ones_are_removed(tmp_path: Path) -> None:
    good, other, torn = checkpoint(tmp_path, 9), checkpoint(tmp_path, 10), checkpoint(tmp_path, 100)
    (torn / "weights").write_bytes(b"")
    assert latest_intact(tmp_path, prune=False) == other
    assert torn.exists()
    assert latest_intact(tmp_path) == other
    assert good.exists()
    assert not torn.exists()
    assert latest_intact(tmp_path / "nowhere") is None
    assert step_of(Path("checkpoint-12")) == 12
    assert step_of(Path("checkpoint-x")) == -1
