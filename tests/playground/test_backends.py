"""The playground behind the seams of an audit: editor, generator, pool and the texts of the random auditor."""

import pytest
from PIL import Image

from auditdm_hub.playground.backends import PlaygroundEditor, PlaygroundGenerator, pictures, random_texts
from auditdm_hub.playground.draw import draw, read
from auditdm_hub.playground.language import compose, describe, edit
from auditdm_hub.playground.sample import is_held_out
from auditdm_hub.playground.skills import parse_question, solve
from auditdm_hub.playground.skills.questions import FALSE_PREMISE
from auditdm_hub.playground.world import Scene

SCENE = Scene.parse("white; 0 large solid red circle; 5 digit 7")


def test_the_editor_sees_the_picture_and_changes_what_is_said() -> None:
    instructions = ["make the red circle blue", "remove the digit 7", "make the background gray"]
    edited = PlaygroundEditor().edit([draw(SCENE)] * 3, instructions, [0, 1, 2])
    assert [read(image) for image in edited if image] == [edit(SCENE, text) for text in instructions]


@pytest.mark.parametrize("instruction", ["", "make the green circle blue", "make the red circle red", "\x00"])
def test_the_editor_returns_nothing_for_what_cannot_be_done(instruction: str) -> None:
    edited = PlaygroundEditor().edit([draw(SCENE), draw(SCENE)], [instruction, "remove the digit 7"], [0, 0])
    assert [image is None for image in edited] == [True, False]


def test_the_editor_returns_nothing_for_other_pictures() -> None:
    photos = [Image.new("RGB", (64, 64), (9, 9, 9)), Image.new("RGB", (32, 32), (250, 250, 250))]
    assert PlaygroundEditor().edit(photos, ["make the background gray"] * 2, [0, 0]) == [None, None]


def test_the_generator_draws_captions_by_their_seed() -> None:
    caption = "a pink background with 2 small solid red stars, the die at 5"
    drawn = PlaygroundGenerator().generate([caption, caption, caption, "a picture of a dog"], [1, 1, 2, 3])
    scenes = [read(image) if image else None for image in drawn]
    assert scenes == [compose(caption, 1), compose(caption, 1), compose(caption, 2), None]
    assert scenes[0] != scenes[2]


def test_every_picture_has_a_prompt_of_its_own() -> None:
    with pytest.raises(ValueError, match="argument 2"):
        PlaygroundEditor().edit([draw(SCENE)], ["remove the digit 7"] * 2, [0])
    with pytest.raises(ValueError, match="argument 2"):
        PlaygroundGenerator().generate(["a pink background"] * 2, [0])


def test_the_pool_is_unseen_and_asked_about_what_it_shows() -> None:
    pool = list(pictures(80, 21))
    scenes = [read(picture) for picture, _, _ in pool]
    for scene, (_, caption, question) in zip(scenes, pool, strict=True):
        assert scene is not None
        assert caption == describe(scene)
        truth = solve(scene, question)
        assert truth is not None and truth.skill != FALSE_PREMISE
        assert is_held_out(scene) is (len(scene.shapes()) > 1)
    assert len({str(scene) for scene in scenes}) == 80


def test_the_pool_hangs_on_its_seed_and_starts_alike_whatever_its_size() -> None:
    captions = [caption for _, caption, _ in pictures(6, 21)]
    assert [caption for _, caption, _ in pictures(3, 21)] == captions[:3]
    assert [caption for _, caption, _ in pictures(6, 22)] != captions


def test_the_random_auditors_texts_are_of_the_language() -> None:
    texts = random_texts(40, 23)
    assert texts == random_texts(40, 23) != random_texts(40, 24)
    assert {action: len(lines) for action, lines in texts.items() if action != "question"} == {
        "caption": 40, "edit": 40,
    }  # fmt: skip
    assert 30 < len(texts["question"]) <= 40
    assert all(parse_question(question) for question in texts["question"])
    assert all(compose(caption, 0) for caption in texts["caption"])
    assert len(set(texts["edit"])) > 30
