import random

import pytest
from PIL import Image

from auditdm_hub.auditing.auditors import Arm, OwnQuestions, PoolQuestions, RandomAuditor
from auditdm_hub.auditing.parse import parse
from auditdm_hub.records import Action

IMAGE = Image.new("RGB", (2, 2))


def test_random_texts_depend_on_action_and_seed_alone() -> None:
    auditor = RandomAuditor({"question": [f"is it {n}?" for n in range(50)], "edit": ["remove it"]})
    actions: list[Action] = ["question", "edit", "question", "question"]
    texts = auditor.write([IMAGE] * 4, actions, ["q?"] * 4, [None] * 4, [1, 1, 2, 1])
    assert texts[0] == texts[3] != texts[2]
    assert not any(parse(text, action, "q?").fault for text, action in zip(texts, actions, strict=True))
    assert texts[1] == "<edit> remove it"


def test_random_auditor_is_named_by_its_texts() -> None:
    one, other = RandomAuditor({"question": ["a?"]}), RandomAuditor({"question": ["b?"]})
    assert one.id != other.id
    assert one.id == RandomAuditor({"question": ("a?",)}).id
    assert Arm("random", one).description.startswith("questions, captions and edits drawn at random")


def test_missing_texts_are_refused() -> None:
    with pytest.raises(ValueError, match=r"texts\['edit'\] must hold at least one text"):
        RandomAuditor({"edit": []})
    with pytest.raises(ValueError, match="no texts for 'caption', only for edit"):
        RandomAuditor({"edit": ["x"]}).write([IMAGE], ["caption"], [""], [None], [0])


def test_pool_questions_are_the_images_own_but_for_one_in_three() -> None:
    asker = PoolQuestions(["what is elsewhere?"])
    count = 400
    texts = asker.write([IMAGE] * count, ["question"] * count, ["own?"] * count, [None] * count, list(range(count)))
    assert set(texts) == {"<question> own?", "<question> what is elsewhere?"}
    assert 100 <= texts.count("<question> what is elsewhere?") <= 170
    assert texts == [asker.write([IMAGE], ["question"], ["own?"], [None], [seed])[0] for seed in range(count)]


def test_one_question_of_three_has_one_word_changed_for_another_that_stands_there_elsewhere() -> None:
    own = "what color is the large circle?"
    asker = PoolQuestions(
        ["what color is the small star?", "what color is the cup?", "how many small stars are there?"]
    )
    count = 600
    texts = asker.write([IMAGE] * count, ["question"] * count, [own] * count, [None] * count, list(range(count)))
    changed = {"<question> what color is the small circle?", "<question> what color is the large star?"}
    assert changed <= set(texts)
    assert 150 <= sum(text in changed for text in texts) <= 250
    assert 150 <= texts.count(f"<question> {own}") <= 250


def test_each_kind_of_other_question_is_as_likely() -> None:
    asker = PoolQuestions([*(f"how many {word} are there?" for word in ("cats", "dogs", "birds")), "read the digit."])
    texts = asker.write([IMAGE] * 400, ["question"] * 400, [""] * 400, [None] * 400, list(range(400)))
    assert 160 <= texts.count("<question> read the digit.") <= 240
    assert len(set(texts)) == 4


def test_an_image_without_a_question_is_asked_another() -> None:
    assert PoolQuestions(["elsewhere?"]).write([IMAGE], ["question"], [""], [None], [1]) == ["<question> elsewhere?"]


def test_questions_that_nearly_fit_are_never_the_images_own() -> None:
    own = "what color is the large circle?"
    asker = PoolQuestions(["what color is the small circle?", "read the digit.", own])
    found = [asker.near_misses(own, 3, random.Random(seed)) for seed in range(200)]
    assert found == [asker.near_misses(own, 3, random.Random(seed)) for seed in range(200)]
    assert {question for each in found for question in each} == {"what color is the small circle?", "read the digit."}
    assert all(len(set(each)) == len(each) <= 3 for each in found)
    assert all(each[0] == "what color is the small circle?" for each in found)  # its own, changed
    assert asker.near_misses("", 1, random.Random(0))


def test_a_question_about_two_things_may_come_to_ask_about_one() -> None:
    asker = PoolQuestions(["is the red star left or right of the blue cup?"])
    found = {question for seed in range(60) for question in asker.near_misses("", 1, random.Random(seed))}
    assert found == {
        "is the red star left or right of the blue cup?", "is the red star left or right of the red star?",
        "is the blue cup left or right of the blue cup?",
    }  # fmt: skip


def test_a_question_that_fits_is_the_images_own_or_where_there_is_none_another() -> None:
    asker = PoolQuestions(["elsewhere?", "read the digit."])
    assert asker.fitting("own?", "a") == "own?"
    found = [asker.fitting("", name) for name in "abcdefgh"]
    assert set(found) == {"elsewhere?", "read the digit."}
    assert found == [asker.fitting("", name) for name in "abcdefgh"]


def test_own_questions_are_asked_as_they_stand() -> None:
    questions = ["own?", "is it <red>?"]
    texts = OwnQuestions().write([IMAGE] * 2, ["question"] * 2, questions, [None] * 2, [0, 1])
    assert [parse(text, "question", own).question for text, own in zip(texts, questions, strict=True)] == questions


def test_pool_questions_need_others() -> None:
    with pytest.raises(ValueError, match="at least one"):
        PoolQuestions([])
