"""The search for predicates: the score, the conditions, and what it must not find."""

import math
import random

import numpy as np
import pytest
from curate.judged_rows import judged

from auditdm_hub.curate.describe import divergence, find_rules
from auditdm_hub.curate.predicates import holds, read_rule, write_rule
from auditdm_hub.curate.table import Table, tabulate
from auditdm_hub.records import Judged

QUESTIONS = ("how many red cats?", "how many large dogs?", "how many old cows?", "how many sad hens?")


def rows_where(fails: str, seed: int = 0, count: int = 400, diffuse: float = 0.03) -> list[Judged]:
    """Return counts of 0 to 9 that fail by the rule, and a few others."""
    rng = random.Random(seed)
    rows = []
    for index in range(count):
        question, answer = rng.choice(QUESTIONS), str(rng.randrange(10))
        wrong = holds(read_rule(fails), question, answer) or rng.random() < diffuse
        rows.append(judged(question, answer, "wrong" if wrong else answer, image=str(index)))
    return rows


def found(table: Table) -> list[str]:
    return [write_rule((finding.rule,)) for finding in find_rules(table, [(0, ())])[0]]


def test_the_score_is_a_likelihood_ratio() -> None:
    failures, trials = np.array([8.0, 3.0, 0.0, 0.0]), np.array([8.0, 10.0, 5.0, 0.0])
    expected = [8 * math.log(10), 3 * math.log(3) + 7 * math.log(0.7 / 0.9), 0, 0]
    assert divergence(failures, trials, 0.1) == pytest.approx(expected)


@pytest.mark.parametrize(
    "rule",
    [
        "answer > 6",
        "answer <= 2",
        "answer >= 3 and answer <= 5",
        'answer in {"2", "7"}',
        'answer not in {"4"}',
        'question has any("cat")',
        'question has any("cat", "hen")',
        'question has any("cow") and answer > 5',
    ],
)
def test_planted_rules_are_found(rule: str) -> None:
    rows = rows_where(rule)
    table = tabulate(rows)
    rules = found(table)
    assert len(rules) == 1, rules
    wanted = {row.probe.id for row in rows if holds(read_rule(rule), row.probe.question, row.verdict.consensus)}
    got = {row.probe.id for row in rows if holds(read_rule(rules[0]), row.probe.question, row.verdict.consensus)}
    assert len(wanted & got) >= 0.95 * len(wanted | got), rules


def test_two_rules_are_found_one_after_the_other() -> None:
    rules = found(tabulate(rows_where('answer in {"0"} or question has any("hen") and answer > 6', count=800)))
    assert len(rules) == 2
    assert 'answer in {"0"}' in rules


@pytest.mark.parametrize("diffuse", [0.03, 0.15, 0.4])
def test_diffuse_errors_make_no_rule(diffuse: float) -> None:
    for seed in range(5):
        assert found(tabulate(rows_where('answer in {"none"}', seed, 800, diffuse))) == []


def test_a_run_of_little_but_failures_is_explained() -> None:
    table = tabulate(rows_where("answer > 0"))
    findings, base = find_rules(table, [(0, ())])
    assert [write_rule((finding.rule,)) for finding in findings] == ["answer > 0"]
    assert base < 0.2


def test_table_and_conditions_agree_and_tiny_tables_are_empty() -> None:
    rows = rows_where("answer > 6", count=60)
    table = tabulate(rows)
    for text in ('question has any("dogs") and answer > 4', 'question has all("how many", "cat")', "answer is number",
                 'question lacks any("old cow")', 'instruction lacks any("x")', 'answer not in {"3"}'):  # fmt: skip
        (rule,) = read_rule(text)
        expected = [holds((rule,), row.probe.question, row.verdict.consensus) for row in rows]
        assert table.holds(rule).tolist() == expected
    for few in ([], rows[:1], rows[:5]):
        assert found(tabulate(few)) == []
