"""Audit, rectify, audit again: the table of rounds, the one adapter of all repairs, and going on after a kill."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from auditdm_cards import adapter_card
from auditdm_hub.errors import RunError
from auditdm_hub.models import load_vlm
from auditdm_hub.playground.backends import pictures
from auditdm_hub.playground.models import TARGET, model_folder
from auditdm_hub.publishing.adapter import AdapterWish
from auditdm_hub.rectifying.examples import Mixture
from auditdm_hub.rectifying.train import TuningSettings
from auditdm_hub.report.rounds import Round, read_rounds
from auditdm_hub.runs import Run
from auditdm_hub.workflows.adapter_facts import adapter_facts
from auditdm_hub.workflows.rectification import ADAPTER, MERGED, Rectification
from auditdm_hub.workflows.rounds import ROUNDS, Measures, rectify_rounds

TUNING = TuningSettings(
    steps=20, batch_size=16, learning_rate=3e-3, lora_rank=4, lora_alpha=8, eval_steps=10, device="cpu"
)
SMALL = Rectification(Mixture(size=300), TUNING)
MEASURES = Measures(limit=3)


@pytest.fixture(scope="module")
def repaired(audited: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Round]]:
    path = Path(shutil.copytree(audited, tmp_path_factory.mktemp("rounds") / "run"))
    return path, rectify_rounds(path, SMALL, 2, MEASURES)


def test_each_round_audits_what_the_one_before_repaired(repaired: tuple[Path, list[Round]]) -> None:
    path, table = repaired
    assert [each["round"] for each in table] == [1, 2, 3]
    targets = [Run.open(path / each["run"]).config["target"] for each in table]
    assert targets == ["playground", str(path / MERGED), str(path / ROUNDS / "2" / MERGED)]
    assert all(set(each["first_types"]) == set(table[0]["first_types"]) for each in table)
    assert all(wrong == asked > 0 for wrong, asked in table[0]["first_types"].values())
    assert table[0]["kept"][0] == 0 < table[0]["kept"][1]
    wrong = [sum(pair[0] for pair in each["first_types"].values()) for each in table]
    assert wrong[2] < wrong[0]
    assert all(0.2 < each["benchmarks"]["playground"] <= 1 and each["answers"] > 500 for each in table)
    assert read_rounds(path) == table


def test_the_stacked_adapter_does_what_all_repairs_do(repaired: tuple[Path, list[Round]]) -> None:
    path, _ = repaired
    pool = list(pictures(60, 5))
    images, questions = [image for image, _, _ in pool], [question for _, _, question in pool]
    stacked = load_vlm(str(model_folder(TARGET)), adapter=str(path / ROUNDS / "adapter"), device="cpu")
    last = load_vlm(str(path / ROUNDS / "2" / MERGED), device="cpu")
    first = load_vlm(str(path / MERGED), device="cpu")
    answers = [model.answer(images, questions) for model in (stacked, last, first)]
    assert answers[0] == answers[1] != answers[2]
    config = json.loads((path / ROUNDS / "adapter" / "adapter_config.json").read_text())
    assert (config["r"], config["lora_alpha"]) == (8, 16)


def test_report_and_card_have_the_table(repaired: tuple[Path, list[Round]]) -> None:
    path, table = repaired
    name = next(iter(table[0]["first_types"]))
    for file in ("report.md", "report.html"):
        text = (path / file).read_text()
        assert "Rounds of repair" in text
        assert "after round 2" in text
        assert "What got worse comes first" not in text  # the table of the rounds says it
    assert {"report", "rectify", "rectify evaluate"} <= set(Run.open(path).stages)
    source, facts = adapter_facts(
        Run.open(path), AdapterWish("me/repaired", True), path, "me/base", lambda model: "mit"
    )
    assert source == path / ROUNDS / "adapter"
    card = adapter_card(facts)["README.md"].decode()
    assert "Rounds of repair" in card
    assert f"wrong: {name}" in card
    assert {each.name for each in facts.comparisons} == {*table[0]["first_types"], "controls"}
    for other, rounds in ((path / "rounds" / ".." / "rounds" / "adapter", len(table)), (path / "auditor/adapter", 0)):
        _, facts = adapter_facts(Run.open(path), AdapterWish("me/it", True), other, "me/base", lambda model: "mit")
        assert (len(facts.rounds), bool(facts.comparisons)) == (rounds, bool(rounds))  # the auditor's has no figures


def test_rounds_that_were_killed_go_on(audited: Path, repaired: tuple[Path, list[Round]], tmp_path: Path) -> None:
    whole, table = repaired
    path = Path(shutil.copytree(audited, tmp_path / "run"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("auditdm_hub.workflows.rounds.audit", _killed)
        with pytest.raises(KeyboardInterrupt):
            rectify_rounds(path, SMALL, 2, MEASURES)
    with pytest.raises(RunError, match="--resume"):
        rectify_rounds(path, SMALL, 2, MEASURES)
    again = rectify_rounds(path, SMALL, 2, MEASURES, resume=True)
    timeless = [{key: value for key, value in each.items() if key != "seconds"} for each in again]
    assert timeless == [{key: value for key, value in each.items() if key != "seconds"} for each in table]
    for adapter in (ADAPTER, ROUNDS / "adapter"):
        name = adapter / "adapter_model.safetensors"
        assert (path / name).read_bytes() == (whole / name).read_bytes()


def test_rounds_of_another_repair_are_not_used_again(repaired: tuple[Path, list[Round]], tmp_path: Path) -> None:
    path = Path(shutil.copytree(repaired[0], tmp_path / "run"))
    shutil.rmtree(path / "rectified")
    other = replace(SMALL, tuning=replace(TUNING, steps=2))
    with pytest.raises(RunError, match="audited another repair: remove .*rounds to do the rounds anew"):
        rectify_rounds(path, other, 2, MEASURES)
    shutil.rmtree(path / "rounds")
    found = _answered(rectify_rounds(path, other, 1, MEASURES, resume=True))
    assert found != _answered(repaired[1][:2])


def _answered(table: list[Round]) -> list[object]:
    return [(each["first_types"], each["kept"]) for each in table]


def _killed(**_: object) -> None:
    raise KeyboardInterrupt


def test_a_damaged_table_is_one_line(repaired: tuple[Path, list[Round]], tmp_path: Path) -> None:
    (tmp_path / "rounds.json").write_text('{"format_version": 1, "rounds": [{}]}')
    with pytest.raises(RunError, match="is damaged"):
        read_rounds(tmp_path)
    assert read_rounds(tmp_path / "elsewhere") == []
