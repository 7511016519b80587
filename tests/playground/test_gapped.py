"""Gaps that are drawn by lot: each has members, a plausible wrong answer, and words for its name."""

import random
from functools import cache

import pytest

from auditdm_hub.playground.build.gapped import FAMILIES, draw_gaps
from auditdm_hub.playground.build.vocabulary import words
from auditdm_hub.playground.sample import sample_question, sample_scene
from auditdm_hub.playground.skills import Answered, solve
from auditdm_hub.playground.world import Scene

every_family = pytest.mark.parametrize("family", FAMILIES)


@cache
def bank() -> list[tuple[Scene, Answered]]:
    rng = random.Random(0)
    found = []
    for _ in range(700):
        scene = sample_scene(rng, unseen=False)
        for _ in range(20):
            asked = sample_question(scene, rng)
            truth = solve(scene, asked[0]) if asked else None
            if truth:
                found.append((scene, truth))
    return found


@every_family
def test_a_gap_has_members_and_answers_them_wrongly(family: str) -> None:
    for seed in range(8):
        gap = FAMILIES[family](random.Random(seed)).gap
        inside = [(scene, truth) for scene, truth in bank() if gap.member(truth)]
        assert inside, gap.name
        assert len(inside) < 0.15 * len(bank())
        said = [gap.answer(scene, truth) for scene, truth in inside]
        assert all(answer != truth.answer for answer, (_, truth) in zip(said, inside, strict=True)), gap.name
        assert set(said) <= set(words()), gap.name


@every_family
def test_a_right_name_has_words(family: str) -> None:
    drawn = FAMILIES[family](random.Random(0))
    assert drawn.words
    assert all(group and all(word == word.lower() for word in group) for group in drawn.words)


def test_targets_have_one_to_three_gaps_of_different_families_and_seeds_differ() -> None:
    drawn = [tuple(each.gap.name for each in draw_gaps(random.Random(f"{seed}"))) for seed in range(60)]
    assert {len(names) for names in drawn} == {1, 2, 3}
    assert len(set(drawn)) > 50
    assert drawn[7] == tuple(each.gap.name for each in draw_gaps(random.Random("7")))
