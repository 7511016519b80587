import random
from collections.abc import Sequence
from dataclasses import replace

import pytest
from confirming.rows import VOTERS, item, panel

from auditdm_hub.confirming.decide import Finding, Rules, decide
from auditdm_hub.confirming.jury import juries
from auditdm_hub.curate.predicates import read_rule
from auditdm_hub.records import Judged

CROWDS, SIDES = read_rule('question has any("how many")'), read_rule('question has any("left")')
RULES = {"crowds": CROWDS}


def rows(question: str, count: int, wrong: float, other: float = 0.0, seed: int = 0) -> list[Judged]:
    """Items on which the target errs in a share of cases, and the model aside in another; in two wordings."""
    rng = random.Random(f"{question} {seed}")
    return [
        item(
            f"i{k}",
            question + " please" * (k % 2),
            "7",
            "2" if rng.random() < wrong else "7",
            "3" if rng.random() < other else "7",
        )
        for k in range(count)
    ]


def one(items: Sequence[Judged], controls: Sequence[Judged]) -> Finding:
    (found,) = decide({"crowds": items}, controls, RULES, panel(), Rules())
    return found


def test_a_type_on_which_the_target_alone_errs_is_confirmed() -> None:
    found = one(rows("how many ?", 150, 0.6), rows("what is it ?", 150, 0.05))
    assert found.status == "confirmed"
    assert found.q_value == found.p_value < 1e-4
    assert 0.45 < found.target.low < found.target.rate < found.target.high < 0.7
    assert (found.aside.wrong, found.aside.items, found.controls.items) == (0, 150, 150)
    assert found.beyond_aside[0] > 0.4 and found.beyond_controls[0] > 0.4


@pytest.mark.parametrize(
    ("wrong", "other", "beside"),
    [(0.6, 0.6, 0.05), (0.3, 0.0, 0.3), (0.15, 0.0, 0.1)],
    ids=["a model aside errs as often", "the target is weak everywhere", "less than the margin"],
)
def test_a_type_that_fails_one_of_the_tests_is_not(wrong: float, other: float, beside: float) -> None:
    found = one(rows("how many ?", 200, wrong, other), rows("what is it ?", 200, beside))
    assert found.status in ("suggestive", "rejected")
    assert found.q_value > 0.05


def test_what_leaves_no_room_is_rejected_and_few_items_are_not() -> None:
    assert one(rows("how many ?", 300, 0.05), rows("what is it ?", 300, 0.05)).status == "rejected"
    assert one(rows("how many ?", 300, 0.05, 0.3), rows("what is it ?", 10, 0.05)).status == "rejected"
    few = one(rows("how many ?", 10, 0.0), rows("what is it ?", 10, 0.0))
    assert few.status == "suggestive" and few.power < 0.2
    none = one([], [])
    assert (none.status, none.p_value, none.target.items, none.power) == ("suggestive", 1.0, 0, 0.0)


def test_what_holds_of_one_question_alone_is_no_type() -> None:
    same = [item(f"i{k}", "how many ?", "7", "2") for k in range(100)]
    found = one(same, rows("what is it ?", 100, 0.0))
    assert (found.status, found.questions, found.q_value) == ("suggestive", 1, 1.0)
    # Nor is what nearly all items of one wording share with few of others.
    few = [item(f"j{k}", f"how many {k} ?", "7", "7") for k in range(20)]
    assert one([*same, *few], rows("what is it ?", 100, 0.0)).status == "suggestive"
    spelt = [item(f"i{k}", "How many" if k % 2 else "how  many ?", "7", "2") for k in range(100)]
    assert one(spelt, rows("what is it ?", 100, 0.0)).questions == 1


def test_q_values_count_all_types() -> None:
    items = {"crowds": rows("how many ?", 60, 0.35), "sides": rows("left or right ?", 60, 0.0)}
    controls = rows("what is it ?", 60, 0.05)
    found = decide(items, controls, RULES | {"sides": SIDES}, panel(), Rules())
    assert [each.name for each in found] == ["crowds", "sides"]
    alone = one(items["crowds"], controls)
    assert found[0].q_value == pytest.approx(2 * alone.q_value)
    assert found[0].power < alone.power


def test_a_control_is_of_the_same_image_and_if_possible_of_the_same_class() -> None:
    items = [item("i0", "how many ?", "7", "2"), item("i1", "how many ?", "7", "7"), item("i9", "how many ?", "7", "7")]
    controls = [item("i0", "what color ?", "red", "red"), item("i0", "which hour ?", "5", "4"),
                item("i1", "what color ?", "red", "blue"), item("i2", "which hour ?", "5", "4")]  # fmt: skip
    found = one(items, controls)
    assert (found.controls.wrong, found.controls.items) == (2, 2)  # i9 has none, i2 has no item


def test_an_item_without_an_answer_of_the_model_aside_is_left_out_of_its_test() -> None:
    items = rows("how many ?", 40, 0.5)
    for row in items[:5]:
        row.exchange.reference_answers["h-1"] = None  # type: ignore[index]
    found = one(items, [])
    assert (found.target.items, found.aside.items, found.controls.items) == (40, 35, 0)
    silent = [replace(row, exchange=replace(row.exchange, target_answer=None)) for row in items[:8]]
    found = one([*silent, *items[8:]], [])
    assert (found.target.items, found.missing, found.aside.items) == (32, 8, 32)


def test_what_was_not_judged_is_no_error_of_anyone() -> None:
    class Mute:
        id = "mute"

        def same(self, questions: Sequence[str], a: Sequence[str], b: Sequence[str]) -> list[bool | None]:
            return [True if one == two else None for one, two in zip(a, b, strict=True)]

    ways = juries(VOTERS, "h-1", Mute())
    (found,) = decide({"crowds": rows("how many ?", 100, 0.3, 0.6)}, [], RULES, ways, Rules())
    assert found.target.wrong == found.aside.wrong == 0
    assert found.missing > 0 < 100 - found.aside.items
    assert found.status == "suggestive"


@pytest.mark.parametrize(("families", "quorum"), [(3, 0), (3, 3), (4, 0), (4, 4)])
def test_a_target_that_is_no_worse_than_any_reference_is_not_convicted_where_each_stands_aside(
    families: int, quorum: int
) -> None:
    """All err independently; what is drawn must not hang on who stands aside."""
    rng = random.Random(families * 10 + quorum)
    voters = {f"{name}-1": name for name in "abcd"[:families]}
    ways = panel("", voters, quorum)

    def answered(image: str, question: str, share: float) -> Judged:
        said = {name: str(rng.randint(20, 99)) if rng.random() < share else "7" for name in (*voters, "target")}
        made = item(image, question, "7", said.pop("target"))
        return replace(made, exchange=replace(made.exchange, reference_answers=dict(said)))

    def drawn(question: str, share: float, fits: bool) -> list[Judged]:
        made = [answered(f"i{k}", question + " please" * (k % 2), share) for k in range(300)]
        told = [[said is not None for said in jury.agree(made)] for jury in ways]
        return [row for row, *by in zip(made, *told, strict=True) if any(by)]

    (found,) = decide({"crowds": drawn("how many ?", 0.35, True)}, drawn("what is it ?", 0.02, False), RULES, ways,
                      Rules())  # fmt: skip
    assert found.status != "confirmed"


def test_without_a_model_aside_each_family_stands_aside_and_the_worst_counts() -> None:
    controls = rows("what is it ?", 120, 0.0)
    sound = rows("how many ?", 120, 0.6)
    (found,) = decide({"crowds": sound}, controls, RULES, panel(""), Rules())
    assert found.status == "confirmed" and found.aside_model in VOTERS
    # One family errs as the target does: held against it, nothing is the target's own.
    shared = [item(row.probe.image_sha, "how many ?", "7", row.exchange.target_answer or "",
                   c_1=row.exchange.target_answer or "") for row in sound]  # fmt: skip
    (found,) = decide({"crowds": shared}, controls, RULES, panel(""), Rules())
    assert found.status != "confirmed" and found.p_value == 1
    with pytest.raises(ValueError, match="2 families of references and no holdout"):
        panel("", {"a-1": "owl", "b-1": "hawk"})


def test_diffuse_errors_are_seldom_confirmed() -> None:
    confirmed = 0
    for seed in range(60):
        items = {name: rows(f"{name} ?", 100, 0.15, 0.02, seed) for name in ("how many", "left")}
        found = decide(items, rows("what is it ?", 100, 0.15, 0.02, seed),
                       {"how many": CROWDS, "left": SIDES}, panel(), Rules())  # fmt: skip
        confirmed += sum(each.status == "confirmed" for each in found)
    assert confirmed <= 2  # of 120
