"""Rules are generalised, joined, dropped and simplified; and only where that is so."""

import random

from curate.judged_rows import judged

from auditdm_hub.curate.describe import Finding
from auditdm_hub.curate.merge import merge_findings
from auditdm_hub.curate.predicates import read_rule, write_rule
from auditdm_hub.curate.table import Table, tabulate


def make_table(wrong: dict[str, dict[str, str]], wordings: dict[str, list[str]], answers: list[str]) -> Table:
    """Return 60 trials of each topic; `wrong`: topic -> right answer -> the target's answer."""
    rng = random.Random(0)
    rows = []
    for topic, texts in wordings.items():
        for index in range(60):
            answer = answers[index % len(answers)]
            said = wrong.get(topic, {}).get(answer, answer)
            rows.append(judged(rng.choice(texts), answer, said, image=f"{topic}{index}"))
    return tabulate(rows)


def finding(context: str, qualifiers: str, topic: int, score: float = 50.0) -> Finding:
    return Finding(topic, read_rule(context)[0], read_rule(qualifiers)[0] if qualifiers else (), score)


def rules(table: Table, findings: list[Finding], named: int = 0) -> list[str]:
    return [write_rule((merged.rule,)) for merged in merge_findings(table, findings, 0.03, named)]


COLORS = ["red", "purple", "blue", "tan"]
HUES = finding('question has any("hue")', 'answer in {"purple"}', 1)
TINTS = finding('question has any("tint")', 'answer in {"purple"}', 2)


def test_a_value_that_fails_everywhere_is_freed_from_its_topic() -> None:
    fails = {"purple": "blue"}
    wordings = {"a": ["hue of cats"], "b": ["tint of cats"], "c": ["shade of cats"]}
    everywhere = make_table({"a": fails, "b": fails, "c": fails}, wordings, COLORS)
    assert rules(everywhere, [HUES, TINTS], named=9) == ['answer in {"purple"}']
    here = make_table({"a": fails}, wordings, COLORS)
    assert rules(here, [HUES], named=9) == ['question has any("hue") and answer in {"purple"}']


def test_numbers_are_never_freed() -> None:
    wrong = {str(n): "0" for n in range(5, 10)}
    table = make_table({"a": wrong, "b": wrong}, {"a": ["count cats"], "b": ["dice"]}, [str(n) for n in range(10)])
    found = [
        finding('question has any("count")', "answer > 4", 1),
        finding('question has any("dice")', "answer > 4", 2),
    ]
    assert sorted(rules(table, found, named=9)) == [
        'question has any("count") and answer > 4',
        'question has any("dice") and answer > 4',
    ]


def test_two_wordings_of_one_type_are_joined_where_no_entry_names_them() -> None:
    wrong = {"yes": "no"}
    table = make_table({"a": wrong, "b": wrong}, {"a": ["frob cats"], "b": ["quux cats"]}, ["yes", "no"])
    found = [finding('question has any("frob")', 'answer in {"yes"}', 7),
             finding('question has any("quux")', 'answer in {"yes"}', 8)]  # fmt: skip
    assert rules(table, found) == ['question has any("frob", "quux") and answer in {"yes"}']
    assert len(rules(table, found, named=9)) == 2
    other = make_table({"a": wrong, "b": {"yes": "who knows"}}, {"a": ["frob cats"], "b": ["quux cats"]}, ["yes", "no"])
    assert len(rules(other, found)) == 2


def test_what_another_rule_explains_is_dropped_and_idle_conditions_are_left_out() -> None:
    table = make_table({"a": {"red": "tan"}}, {"a": ["hue of cats", "hue of dogs"], "b": ["tint of cats"]}, COLORS)
    broad = finding('question has any("hue") and question lacks any("tint")', 'answer in {"red"}', 1)
    narrow = finding('question has any("hue", "cat")', 'question has any("cat") and answer in {"red"}', 1, score=20.0)
    assert rules(table, [narrow, broad], named=9) == ['question has any("hue") and answer in {"red"}']
    assert rules(table, [narrow], named=9) == ['question has any("cat") and answer in {"red"}']
