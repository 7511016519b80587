import pytest

from auditdm_hub.auditing.parse import MAX_WORDS, Parsed, parse
from auditdm_hub.records import ACTIONS, Action


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("<question> how many red circles are there ?", "how many red circles are there?"),
        ("\n  <question>What is left of the cup?</question>\n\n", "What is left of the cup?"),
        ("<QUESTION>  Which   is bigger , the cup or the bowl ?", "Which is bigger, the cup or the bowl?"),
        ("<question>Count the cups.", "Count the cups."),
        ("<question> add the two digits", "add the two digits"),
        ("<question>Is the answer sheet on the desk blank?", "Is the answer sheet on the desk blank?"),
        ("<question>What stands between the cup and the bowl?", "What stands between the cup and the bowl?"),
    ],
)
def test_questions_that_can_be_asked(text: str, question: str) -> None:
    assert parse(text, "question", "") == Parsed(question, "")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "empty"),
        (" \n ", "empty"),
        ("<question>", "empty"),
        ("<question> ?", "empty"),
        ("how many cups?", "unparsed: no tag, wanted <question>"),
        ("Sure! <question> how many cups?", "unparsed: no tag, wanted <question>"),
        ("<edit> remove the cup", "unparsed: tag <edit>, wanted <question>"),
        ("<question> a?\n<question> b?", "unparsed: 2 lines, wanted one"),
        ("<question> how many cups? <question> how many bowls?", "unparsed: several tags"),
        ("<question> how many cups? and what colour?", "several questions"),
        ("<question> What colour is the cup, and how many bowls are there?", "several questions"),
        ("<question> how many cups? three", "unparsed: text after the question mark"),
        ("<question> how many cups? (answer: 3)", "gives the answer away"),
        ("<question> how many cups are there (hint: three)?", "gives the answer away"),
        ("<question> the answer is 3, how many cups?", "gives the answer away"),
        ("<question> how many cups? Answer: 3", "gives the answer away"),
        ("<question> there are three cups", "unparsed: no question mark"),
        ("<question> " + "very " * MAX_WORDS["question"] + "many?", "too long: 61 words, at most 60"),
        ("<question> " + "a" * 1000 + "?", "too long: 1001 characters, at most 720"),
    ],
)
def test_questions_that_cannot(text: str, fault: str) -> None:
    assert parse(text, "question", "").fault == fault


def test_captions_and_edits_are_asked_with_the_seeds_question() -> None:
    assert parse("<caption> a cup , a bowl", "caption", "how many cups ?") == Parsed("how many cups?", "a cup, a bowl")
    assert parse("<edit>Remove the cup.", "edit", "how many cups?") == Parsed("how many cups?", "Remove the cup.")


@pytest.mark.parametrize(
    ("text", "action", "question", "fault"),
    [
        ("<caption> how many cups?", "caption", "q?", "unparsed: a question, wanted a caption"),
        ("<edit> how many cups?", "edit", "q?", "unparsed: a question, wanted an instruction"),
        ("<edit> remove the cup", "edit", "", "no question: the pool has none for this image"),
        ("<caption> remove the cup", "edit", "q?", "unparsed: tag <caption>, wanted <edit>"),
    ],
)
def test_captions_and_edits_that_cannot_be_used(text: str, action: Action, question: str, fault: str) -> None:
    assert parse(text, action, question).fault == fault


@pytest.mark.parametrize(
    "text", ["<", "<>", "</question>", "<question></question>", "\x00", "<question>\u2028?", "?" * 9]
)
def test_nothing_raises(text: str) -> None:
    for action in ACTIONS:
        assert parse(text, action, "q?").fault


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("<question> How many shapes shapes shapes?", "repeats itself: shapes"),
        ("<question> How many shapes, Shapes, shapes are there?", "repeats itself: shapes"),
        ("<question> Is the red red circle left?", ""),
        ("<question> Do the 1 1 digits add up to 11?", ""),
    ],
)
def test_a_word_three_times_in_a_row_is_no_question(text: str, fault: str) -> None:
    assert parse(text, "question", "").fault == fault
