"""The tables of an evaluation and of rounds show names as they are."""

import io

from rich.console import Console

from auditdm_cli.evaluation_summary import show_rounds, tables

NAME = "[red]brackets[/red]\x1b[31m"
SHOWN = "[red]brackets[/red]�[31m"


def printed(*parts: object) -> str:
    console = Console(file=io.StringIO(), width=100, highlight=False)
    for part in parts:
        console.print(part)
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_markup_in_the_name_of_a_type_is_text() -> None:
    compared = {
        "name": NAME, "better": "lower", "before": {"rate": 1.0}, "after": {"rate": 0.25}, "difference": -0.75,
        "low": -0.9, "high": -0.5, "p_value": 0.001,
    }  # fmt: skip
    failures = {"types": [{"name": NAME, "error": 0.5, "low": 0.4, "high": 0.6, "asked": 9}],
                "controls": {"name": "controls", "error": 0.0, "low": 0.0, "high": 0.1, "asked": 9}}  # fmt: skip
    cost = {"tokens read": 12345, "tokens written": 67, "paid": 0.125}
    text = printed(*tables({"comparisons": [compared], "scores": {}, "failures": {"model": failures}, "cost": cost}))
    assert text.count(SHOWN) == 2
    assert text.endswith("Cost: 12,345 tokens read, 67 tokens written, 0.12 paid.\n")


def test_the_table_of_rounds() -> None:
    rounds = [
        {"round": 1, "rate": 0.8, "types": [NAME, "other"], "first_types": {NAME: [10, 10]}, "kept": [0, 40],
         "benchmarks": {"suite": 0.5}, "answers": 12345, "seconds": 90.0},
        {"round": 2, "rate": 0.2, "types": [], "first_types": {NAME: [1, 10]}, "kept": [2, 40],
         "benchmarks": {"suite": 0.75}, "answers": 7, "seconds": 600.0},
    ]  # fmt: skip
    console = Console(file=io.StringIO(), width=80, highlight=False)
    show_rounds(rounds, console)
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    found = {line.split("  ")[0].strip(): line.split()[-3:] for line in lines}
    assert any(f"wrong: {SHOWN}" in line and line.rstrip().endswith("1 of 10") for line in lines)
    assert found["suite"][-2:] == ["50.0%", "75.0%"]
    assert found["failure types found"][-2:] == ["2", "0"]
    assert found["answers asked for"][-2:] == ["12,345", "7"]
    assert found["minutes"][-2:] == ["1.5", "10.0"]
