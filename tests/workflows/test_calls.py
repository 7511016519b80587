"""`auditdm_hub.rectify` and `auditdm_hub.evaluate` from Python."""

import json
from pathlib import Path

import pytest

import auditdm_hub
from auditdm_hub import evaluate, rectify
from auditdm_hub.config import load_config
from auditdm_hub.errors import ConfigError
from auditdm_hub.runs import Run
from auditdm_hub.workflows.calls import Again, Source
from auditdm_hub.workflows.rectification import ADAPTER


def test_the_package_offers_them() -> None:
    assert {"audit", "evaluate", "load_failures", "rectify"} <= set(auditdm_hub.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'mend'"):
        auditdm_hub.mend  # noqa: B018


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "either RUN"),
        ({"run": Path("run"), "failures": "playground"}, "either RUN"),
        ({"failures": "playground"}, "needs --target MODEL"),
        ({"run": Path("run"), "target": "playground"}, "--target goes with --failures"),
        ({"run": Path("run"), "out": "there"}, "--out goes with --failures"),
    ],
)
def test_a_source_that_contradicts_itself_is_refused(given: dict[str, Path | str], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Source(**given)  # type: ignore[arg-type]


def test_rounds_have_an_audit_to_come_back_to() -> None:
    with pytest.raises(ConfigError, match="--benchmark and --data go with --rounds"):
        Again(benchmarks=("vqav2",))
    with pytest.raises(ConfigError, match="no auditor that could audit again"):
        rectify(Source(failures="playground", target="playground"), again=Again(2))


def test_a_release_is_learned_from_with_settings_of_ones_own(tmp_path: Path) -> None:
    source = Source(failures="playground", target="playground", out=str(tmp_path / "run"))
    run = rectify(source, steps=2, batch_size=8, rows=200, eval_steps=2, device="cpu", seed=3)
    assert (run.path / ADAPTER / "adapter_config.json").is_file()
    assert run.config["rectification"]["tuning"]["steps"] == 2
    assert run.config["rectification"]["mixture"]["seed"] == 3
    with pytest.raises(ConfigError, match="stepz: unknown, wanted one of probes"):
        rectify(source, stepz=1)


def test_a_run_gives_its_own_settings(tmp_path: Path) -> None:
    path = tmp_path / "run"
    Run.create(path, load_config(overrides={"rectification": {"steps": 0x7}}).model_dump(mode="json")).close()
    with pytest.raises(ConfigError, match=r"--rows: got 1, wanted"):
        rectify(path, rows=1)


class Echo:
    """Answers with the first word of each question."""

    id, family = "echo", "echo"

    def answer(self, images: object, questions: list[str]) -> list[str | None]:
        """Return the words."""
        del images
        return [question.split()[0] for question in questions]


def test_an_object_can_be_evaluated(tmp_path: Path) -> None:
    run = evaluate(Echo(), suite="playground", limit=2, out=tmp_path / "run")  # type: ignore[arg-type]
    found = json.loads((run.path / "evaluation.json").read_text())
    assert found["model"] == "echo"
    assert found["scores"]["model"][0]["value"] < 0.2
