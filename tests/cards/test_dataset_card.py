"""The card of a failure set: it says what was measured, its code runs, and what strangers wrote does nothing."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from cards.sections import sections
from hub_server import HubServer
from huggingface_hub import DatasetCard
from jinja2 import UndefinedError
from markdown_it import MarkdownIt
from publishing.conftest import Publish

from auditdm_cards import dataset_card
from auditdm_cards.escaping import code, plain
from auditdm_hub.publishing.facts import FailureSet, ImageUse, License, ModelUse, Sample, TypeFacts
from auditdm_hub.releases.manifest import Change
from auditdm_hub.releases.schema import CONFIGS, SPLITS_OF, features_of, pattern
from auditdm_hub.report import checked_results
from auditdm_hub.runs import Run

NASTY = (
    "x | y\n## z <script>alert(1)</script> [a](javascript:b) ``` --- {{ 7*7 }} \u202e <img src=x onerror=y> *b* "
    "http://evil.example"
)
KIND = TypeFacts("counting", "Questions with many.", "answer > 4", "proposed", 3, 3, 4, 0.75, 0.3, 0.95, None)


def facts(run: Run, **changes: object) -> FailureSet:
    results = checked_results(run.results())
    sample = Sample("0" * 16, b"\x89PNG one", None, "how many?", "", "4", "6")
    value = FailureSet(
        name="org/set", on_hub=True, version="v1.2.0", license=License("cc0-1.0"), audits=(results,),
        rows={"failures": {"train": 3, "test": 1}, "failure_types": {"train": 1}, "exchanges": {"train": 9, "test": 3}},
        features={config: features_of(config, ["counting"]) for config in CONFIGS},
        data_files={config: {split: pattern(config, split) for split in SPLITS_OF[config]} for config in CONFIGS},
        data_bytes=dict.fromkeys(CONFIGS, 100), types=(replace(KIND, samples=(sample,)),),
        models=(ModelUse("own-target", "target", "apache-2.0"), ModelUse("who", "reference", "")),
        images=(ImageUse("own", "cc0-1.0", "", "", 12),), dropped={"invalid": 7},
        changes=(Change("v1.2.0", "2026-01-02", ("something",)),), files={},
    )  # fmt: skip
    return replace(value, **changes)  # type: ignore[arg-type]


def text(release: FailureSet) -> str:
    return dataset_card(release)["README.md"].decode()


def test_the_code_of_a_card_runs(hub: HubServer, publish: Publish, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    publish("ada/set")
    card = (run.path / "release" / "README.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```", card, re.DOTALL)
    assert len(blocks) == 2
    spaces: list[dict[str, object]] = [{}, {}]
    for block, space in zip(blocks, spaces, strict=True):
        exec(block, space)  # the code that the card gives to its readers
    assert len(spaces[0]["failures"]) > 0  # type: ignore[arg-type]
    assert len(set(spaces[1]["failures"]["failure_type"])) == 1  # type: ignore[index]


def test_the_code_of_a_card_runs_for_a_folder(
    publish: Publish, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish("", to=tmp_path / "releases")
    monkeypatch.chdir(tmp_path)
    for block in re.findall(r"```python\n(.*?)```", (tmp_path / "releases" / "README.md").read_text(), re.DOTALL):
        exec(block, {})


def test_figures_come_from_the_results(run: Run) -> None:
    results = checked_results(run.results())
    said = sections(dataset_card(facts(run))["README.md"])
    for arm in ("prompt_only", "random"):
        found = results["search_success"][arm]  # type: ignore[index]
        assert found is None or f"{found['valid']:,} / {found['trials']:,}" in said["How it was made"]
    assert "| counting | 3 | 4 | 75% | 30–95% | proposed |" in said["Failure types"]
    assert "| invalid | 7 |" in said["How it was made"]
    assert "optimistic" in said["Limits"]
    assert "something" in said["Changes"]


def test_what_is_not_known_has_no_section(run: Run) -> None:
    said = sections(dataset_card(facts(run, types=(), changes=(), dropped={}))["README.md"])
    assert {"Failure types", "Examples", "Changes"} & set(said) == set()
    assert "optimistic" not in said["Limits"]
    confirmed = facts(run, types=(replace(KIND, status="confirmed"),))
    assert "optimistic" not in text(confirmed)
    assert "v1" not in text(facts(run, version="", changes=()))


def test_the_yaml_is_what_the_hub_reads(run: Run) -> None:
    data = DatasetCard(text(facts(run))).data
    assert data.license == "cc0-1.0"
    assert data.size_categories == ["n<1K"]
    assert [each["config_name"] for each in data.configs] == list(CONFIGS)
    assert data.configs[0]["default"] is True
    mixed = DatasetCard(text(facts(run, license=License("other", "mixed, by row", "LICENSES/README.md")))).data
    assert (mixed.license, mixed.license_name, mixed.license_link) == ("other", "mixed-by-row", "LICENSES/README.md")


def test_hostile_texts_do_nothing(run: Run) -> None:
    sample = Sample("0" * 16, b"\x89PNG one", b"\x89PNG two", NASTY, NASTY, NASTY, NASTY)
    kind = replace(KIND, name=NASTY, description=NASTY, samples=(sample,))
    hostile = facts(
        run, name="org/set", types=(kind,), images=(ImageUse(NASTY, NASTY, NASTY, NASTY, 1),), dropped={NASTY: 1},
        models=(ModelUse(NASTY, "target", NASTY),), changes=(Change("v1", "2026", (NASTY,)),),
    )  # fmt: skip
    card = text(hostile)
    yaml.safe_load(card.split("\n---\n")[0].removeprefix("---\n"))
    shown = MarkdownIt("commonmark", {"html": True}).enable("table").render(card.split("\n---\n", 1)[1])
    assert "<script" not in shown
    assert "onerror=y" not in re.sub(r"&lt;.*?&gt;", "", shown)
    assert 'href="javascript' not in shown
    assert 'href="http://evil' not in shown
    assert "\u202e" not in card
    assert "49" not in re.sub(r"[0-9a-f]{16}", "", shown)
    tables = [line for line in shown.splitlines() if line.startswith("<th>") or line.startswith("<th ")]
    clean = MarkdownIt("commonmark", {"html": True}).enable("table").render(text(facts(run)).split("\n---\n", 1)[1])
    assert len(tables) == len([line for line in clean.splitlines() if line.startswith(("<th>", "<th "))])


@pytest.mark.parametrize("escape", [plain, code])
def test_long_texts_are_shortened(escape: object) -> None:
    shown = escape("word " * 200)  # type: ignore[operator]
    assert len(shown) < 230
    assert "…" in shown


def test_a_missing_value_is_an_error(run: Run) -> None:
    from auditdm_cards.rendering import render

    with pytest.raises(UndefinedError):
        render("dataset.md.j2", {})


def test_the_same_facts_give_the_same_bytes(run: Run) -> None:
    assert dataset_card(facts(run)) == dataset_card(facts(run))
