"""The shipped models are what their cards and docs/playground.md say."""

import json
from pathlib import Path

import pytest

from auditdm_hub.playground.build.cards import fill_page, read_accuracy, render_card
from auditdm_hub.playground.build.measure import measure
from auditdm_hub.playground.build.roster import ROSTER, Entry
from auditdm_hub.playground.gaps import TARGET_GAPS
from auditdm_hub.playground.models import NAMES, REFERENCES, TARGET, WEIGHTS, model_folder
from auditdm_hub.playground.skills import SKILLS

PAGE = Path(__file__).parent.parent / "docs" / "playground.md"
MEGABYTE = 1_000_000
every_model = pytest.mark.parametrize("entry", ROSTER, ids=lambda entry: entry.name)


def test_all_models_are_there_and_small() -> None:
    assert {entry.name for entry in ROSTER} == set(NAMES)
    weights = [model_folder(name) / "model.safetensors" for name in NAMES]
    assert sum(file.stat().st_size for file in weights) < 20 * MEGABYTE


@every_model
def test_the_card_says_what_was_measured(entry: Entry) -> None:
    card = (model_folder(entry.name) / "README.md").read_text()
    count = float(card.partition(f" {entry.family} of ")[2].partition(" ")[0]) * 1e6
    assert card == render_card(entry, read_accuracy(model_folder(entry.name)), round(count))


def test_the_page_shows_the_tables_of_the_shipped_models() -> None:
    page = PAGE.read_text()
    assert fill_page(page, WEIGHTS) == page


@pytest.mark.parametrize("name", REFERENCES)
def test_references_know_every_skill(name: str) -> None:
    shares = read_accuracy(model_folder(name))["skills"]
    assert set(shares) == set(SKILLS)
    assert {skill: right / n for skill, (right, n) in shares.items() if right / n < 0.97} == {}


def test_the_target_fails_inside_its_gaps_and_nowhere_else() -> None:
    shares = read_accuracy(model_folder(TARGET))
    assert {skill: right / n for skill, (right, n) in shares["outside"].items() if right / n < 0.95} == {}
    inside = {gap: right / n for gap, (right, n) in shares["gaps"].items()}
    assert set(inside) == {gap.name for gap in TARGET_GAPS}
    assert sum(rate <= 0.1 for rate in inside.values()) >= 12
    partial = [gap.name for gap in TARGET_GAPS if gap.grounds]
    assert {name: inside[name] for name in partial if not 0.3 < inside[name] < 0.7} == {}


@every_model
def test_a_model_answers_as_well_as_its_card_says(entry: Entry) -> None:
    import torch
    from transformers import AutoModelForImageTextToText, AutoProcessor

    folder = model_folder(entry.name)
    model = AutoModelForImageTextToText.from_pretrained(folder, dtype=torch.float32).eval()
    processor = AutoProcessor.from_pretrained(folder)
    now = measure(model, processor, entry.gaps, scenes=60).skills.values()
    said = json.loads((folder / "accuracy.json").read_text())["skills"].values()
    rate = sum(skill.right for skill in now) / sum(skill.asked for skill in now)
    expected = sum(right for right, _ in said) / sum(n for _, n in said)
    assert rate == pytest.approx(expected, abs=0.06)
