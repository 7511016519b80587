"""Names that a person would give."""

import pytest
from curate.judged_rows import judged

from auditdm_hub.curate.describe import Finding
from auditdm_hub.curate.name import name_findings, state
from auditdm_hub.curate.predicates import read_rule
from auditdm_hub.curate.table import tabulate
from auditdm_hub.curate.topics import load_taxonomy


def finding(context: str, qualifiers: str = "", topic: int = 0) -> Finding:
    return Finding(topic, read_rule(context)[0] if context else (), read_rule(qualifiers)[0] if qualifiers else (), 1.0)


@pytest.mark.parametrize(
    ("question", "answer", "qualifiers", "name"),
    [
        ("how many cats?", "5", "answer > 4", "counting more than four objects"),
        ("how many cats?", "2", "answer <= 3", "counting fewer than four objects"),
        ("how many cats?", "5", 'question has any("red")', "counting red objects"),
        ("what time is it?", "8", "answer >= 7 and answer <= 11", "reading clock hours 7 to 11"),
        ("is it left or right?", "left", 'answer not in {"unanswerable"}', "telling left from right"),
        ("where does the arrow point?", "up", 'answer in {"down", "up"}', "reading arrows that point up or down"),
        ("what color is it?", "purple", 'answer in {"purple"}', "recognising purple"),
        ("which digit is it?", "6", 'answer in {"6", "9"}', "reading the digits 6 and 9"),
        ("which digit is it?", "6", 'answer in {"6"}', "reading the digit 6"),
        ("how big is the cross?", "small", 'question has any("cross", "star")',
         "judging the size of crosses and stars"),
        ("what do the digits add up to?", "12", "answer > 9", "sums above nine"),
        ("which row is it in?", "4", 'answer in {"4"}', "finding row 4"),
        ("do they have the same color?", "yes", 'answer in {"yes"}',
         "judging whether colours are the same when the answer is yes"),
        ("what color is it?", "unanswerable", 'answer in {"unanswerable"}',
         "recognising colours when the answer is unanswerable"),
        ("which bar is the tallest?", "red", 'answer in {"blue", "cyan", "green", "red", "tan"}',
         "finding the tallest bar"),
        ("frob the quux", "red", 'answer in {"red"}', 'questions on "frob" and "quux" when the answer is red'),
    ],
)  # fmt: skip
def test_names(question: str, answer: str, qualifiers: str, name: str) -> None:
    table = tabulate([judged(question.replace("red", "blue"), answer, "wrong")] * 5 + [judged("red cats", "1", "1")])
    rule = 'question lacks any("nothing")'
    if "red" in qualifiers and "question" in qualifiers:
        table = tabulate([judged("how many red cats?", answer, "wrong")])
    assert name_findings(table, [finding(rule, qualifiers)], load_taxonomy()) == [name]


def test_types_of_no_topic_and_equal_names() -> None:
    table = tabulate([judged("what color is the cross?", "purple", "blue")])
    findings = [
        finding("", 'answer in {"purple"}', topic=-1),
        finding("", 'question has any("cross")', topic=-1),
        finding('question has any("color")'),
        finding('question has any("color", "cross")'),
        finding('question has any("color", "cross")'),
    ]
    assert name_findings(table, findings, load_taxonomy()) == [
        "recognising purple",
        "questions on crosses",
        "recognising colours",
        'recognising colours, in questions that mention "color" or "cross"',
        'recognising colours, in questions that mention "color" or "cross" (2)',
    ]


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ('question has any("many", "count") and question lacks any("die") and answer > 4',
         'Questions that mention "many" or "count" and that do not mention "die" whose consensus answer is above 4.'),
        ('answer in {"6", "9"}', 'Questions whose consensus answer is "6" or "9".'),
        ('answer not in {"nothing"}', 'Questions whose consensus answer is not "nothing".'),
        ('question has all("a", "b") and instruction has any("c")',
         'Questions that mention "a" and "b" and that come with an edit that mentions "c".'),
        ("any question", "All questions."),
        ("answer is letter", "Questions whose consensus answer is a letter."),
    ],
)  # fmt: skip
def test_statements(rule: str, text: str) -> None:
    assert state(read_rule(rule)[0]) == text
