"""Random scenes and questions: held-out pairs stay held out, and what is asked has a true premise."""

import random
from collections import Counter

import pytest

from auditdm_hub.playground.build.data import alike
from auditdm_hub.playground.language import edit
from auditdm_hub.playground.sample import (
    held_out,
    is_held_out,
    sample_edit,
    sample_question,
    sample_scene,
    sample_shape,
    sample_wording,
)
from auditdm_hub.playground.skills import Skill, parse_question, solve
from auditdm_hub.playground.skills.questions import ASKED, CROWDED, FALSE_PREMISE
from auditdm_hub.playground.world import COLORS, EMPTY, SHAPES, Scene

LOOKS = [(color, shape) for color in COLORS for shape in SHAPES]


def scenes(count: int, seed: int, *, unseen: bool) -> list[Scene]:
    rng = random.Random(seed)
    return [sample_scene(rng, unseen=unseen) for _ in range(count)]


def test_one_pair_of_shapes_in_sixteen_is_held_out() -> None:
    pairs = [(one, two) for k, one in enumerate(LOOKS) for two in LOOKS[:k]]
    assert 1 / 24 < sum(held_out(one, two) for one, two in pairs) / len(pairs) < 1 / 10
    assert all(held_out(one, two) == held_out(two, one) for one, two in pairs)
    assert not any(held_out(look, look) for look in LOOKS)


def test_a_scene_is_held_out_for_the_look_of_two_of_its_shapes() -> None:
    one, two = next((one, two) for one in LOOKS for two in LOOKS if held_out(one, two))
    alone = Scene.parse(f"white; 3 small solid {' '.join(one)}; 5 digit 7; 9 large hollow {' '.join(one)}")
    assert not is_held_out(alone)
    assert is_held_out(Scene.parse(f"{alone}; 12 large striped {' '.join(two)}"))


def test_training_never_sees_a_held_out_pair() -> None:
    drawn = scenes(600, 7, unseen=False)
    assert [str(scene) for scene in drawn if is_held_out(scene)] == []
    assert sum(len(scene.shapes()) > 6 for scene in drawn) > 60  # though many pairs stand together


def test_audits_always_see_one_where_two_shapes_stand() -> None:
    drawn = [scene for scene in scenes(600, 8, unseen=True) if len(scene.shapes()) > 1]
    assert len(drawn) > 450
    assert [str(scene) for scene in drawn if not is_held_out(scene)] == []


@pytest.mark.parametrize("unseen", [True, False])
def test_scenes_are_drawn_from_their_seed_alone(unseen: bool) -> None:
    assert scenes(30, 9, unseen=unseen) == scenes(30, 9, unseen=unseen) != scenes(30, 10, unseen=unseen)


def test_scenes_show_every_kind_of_thing() -> None:
    held = [thing for scene in scenes(400, 11, unseen=False) for thing in scene.cells if thing is not None]
    assert {thing.kind for thing in held} == {"shape", "digit", "letter", "clock", "arrow", "die", "bar"}
    assert {(thing.color, thing.shape) for thing in held if thing.kind == "shape"} == set(LOOKS)


def test_a_shape_of_a_color_has_it() -> None:
    rng = random.Random(12)
    assert {sample_shape(rng, "cyan").color for _ in range(20)} == {"cyan"}
    assert len({sample_shape(rng).color for _ in range(60)}) > 4


@pytest.mark.parametrize("skill", ASKED, ids=lambda skill: skill.name)
def test_sampled_questions_have_true_premises(skill: Skill) -> None:
    rng = random.Random(skill.name)
    asked = [(scene, sample_question(scene, rng, skill)) for scene in scenes(60, 13, unseen=False)]
    found = [(solve(scene, question[0]), question[1]) for scene, question in asked if question]
    assert len(found) > 5
    assert {truth.skill if truth else None for truth, _ in found} <= (
        {skill.name, CROWDED} if skill.name == "count all" else {skill.name}
    )
    assert [truth for truth, answer in found if truth is None or truth.answer != answer] == []


def test_a_skill_that_a_scene_does_not_admit_is_not_asked() -> None:
    empty = Scene("gray", EMPTY)
    admitted = {skill.name for skill in ASKED if sample_question(empty, random.Random(14), skill)}
    assert {"background", "count all", "corner", "existence"} <= admitted
    assert not {"color", "row", "neighbour", "clock", "digit sum", "bar height", "same color"} & admitted


def test_a_wording_without_an_answer_has_a_false_premise() -> None:
    rng = random.Random(15)
    worded = [(scene, *sample_wording(scene, rng.choice(ASKED), rng)) for scene in scenes(300, 16, unseen=False)]
    false = [(scene, question) for scene, question, answer in worded if answer is None]
    assert len(false) > 20
    for scene, question in false:
        truth = solve(scene, question)
        assert truth is not None
        assert (truth.skill, truth.answer) == (FALSE_PREMISE, "unanswerable")
    assert all(parse_question(question) for _, question, _ in worded)


def test_sampled_edits_can_be_done() -> None:
    rng = random.Random(17)
    drawn = [*scenes(100, 18, unseen=True), Scene("pink", EMPTY)]
    assert [str(scene) for scene in drawn if edit(scene, sample_edit(scene, rng)) in (None, scene)] == []


def test_a_style_is_kept() -> None:
    rng = random.Random(4)
    crowds = [sample_scene(rng, unseen=False, style="crowded") for _ in range(60)]
    assert min(len(scene.shapes()) for scene in crowds) >= 6
    assert max(len(sample_scene(rng, unseen=False, style="sparse").shapes()) for _ in range(60)) <= 3


def test_alike_scenes_have_large_counts_and_no_held_out_pair() -> None:
    rng = random.Random(5)
    plain = [sample_scene(rng, unseen=False, style="crowded") for _ in range(300)]
    changed = [alike(scene, rng) for scene in plain]
    assert not any(is_held_out(scene) for scene in changed)
    assert mean_largest(changed) > mean_largest(plain) + 0.5
    assert alike(Scene("white", EMPTY), rng) == Scene("white", EMPTY)


def mean_largest(scenes: list[Scene]) -> float:
    """Return the mean size of the largest group of shapes of one kind."""
    return sum(max(Counter(thing.shape for _, thing in scene.things("shape")).values()) for scene in scenes) / len(
        scenes
    )
