from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import pytest
from confirming.rows import item, panel, seeds

from auditdm_hub.confirming.draw import Wanted, draw, may_hold, questions_of
from auditdm_hub.confirming.jury import satisfies
from auditdm_hub.curate.predicates import read_rule
from auditdm_hub.records import Judged, Probe

MANY = read_rule('question has any("how many") and answer > 4')
QUESTIONS = ("how many red shapes ?", "how many stars ?", "what color is it ?")


class World:
    """An image's number is the count of everything on it; nobody agrees on what is asked about image 3."""

    def __init__(self, wrong: bool = False) -> None:
        self.asked: list[Probe] = []
        self.wrong = wrong

    def __call__(self, probes: Sequence[Probe]) -> list[Judged]:
        self.asked += probes
        return [self.one(probe) for probe in probes]

    def one(self, probe: Probe) -> Judged:
        count = probe.image_sha[1:]
        said = count if "many" in probe.question else "red"
        divided = {"b_1": "many", "c_1": "none"} if count == "3" else {}
        return item(probe.image_sha, probe.question, said, "0" if self.wrong else said, **divided)


def crowded(rows: Sequence[Judged]) -> list[bool]:
    (jury,) = panel()
    return [satisfies(MANY, row, said) for row, said in zip(rows, jury.agree(rows), strict=True)]


def wanted(count: int = 99, tries: int = 3, each: int = 1) -> Wanted:
    return Wanted("crowds", QUESTIONS, crowded, partial(may_hold, MANY), count, tries, each)


def test_items_satisfy_the_rule_and_an_image_gives_one() -> None:
    world = World()
    found = draw(wanted(), seeds(10), world, 0)
    assert sorted(row.probe.image_sha for row in found) == ["i5", "i6", "i7", "i8", "i9"]
    assert all("how many" in row.probe.question for row in found)
    assert {probe.image_sha for probe in world.asked} == {f"i{k}" for k in range(10)}
    assert max(sum(probe.image_sha == f"i{k}" for probe in world.asked) for k in range(10)) <= 3


def test_what_the_target_says_plays_no_part() -> None:
    right, wrong = (draw(wanted(), seeds(40), World(bad), 0) for bad in (False, True))
    assert [row.probe for row in right] == [row.probe for row in wrong]
    assert not any(row.failed for row in right) and all(row.failed for row in wrong)


def test_an_image_that_no_reference_answers_about_is_asked_once() -> None:
    class Blind(World):
        def one(self, probe: Probe) -> Judged:
            made = super().one(probe)
            none = dict.fromkeys(made.exchange.reference_answers)
            return replace(made, exchange=replace(made.exchange, reference_answers=none))

    world = Blind()
    assert draw(wanted(), seeds(10), world, 0) == []
    assert len(world.asked) == 10


def test_another_seed_takes_other_images_and_the_same_takes_the_same() -> None:
    orders = [[row.probe.image_sha for row in draw(wanted(5), seeds(200), World(), seed)] for seed in (0, 0, 1)]
    assert orders[0] == orders[1] != orders[2]
    assert len(orders[0]) == 5


def test_no_more_is_asked_once_there_are_enough() -> None:
    world = World()
    draw(wanted(5), seeds(500), world, 0)
    assert len({probe.image_sha for probe in world.asked}) == 64


def test_several_controls_of_an_image_are_different_questions() -> None:
    found = draw(
        Wanted("", QUESTIONS, lambda rows: [True] * len(rows), lambda q: True, 99, 3, 2), seeds(3), World(), 0
    )  # fmt: skip
    assert len(found) == 6 == len({(row.probe.image_sha, row.probe.question) for row in found})


@pytest.mark.parametrize(("own", "first"), [("how many moons ?", True), ("what is it ?", False)])
def test_what_stands_beside_an_image_comes_first_if_it_may_fit(own: str, first: bool) -> None:
    world = World()
    draw(wanted(tries=4), seeds(3, own), world, 0)
    assert (world.asked[0].question == own) == first == any(probe.question == own for probe in world.asked)


def test_questions_of_a_rule_are_those_of_trials_that_satisfied_it_once_each() -> None:
    trials = [item("i", "how many  stars ?", "7", "7"), item("j", "how many stars ?", "5", "2"),
              item("k", "how many moons ?", "3", "3"), item("l", "what is it ?", "9", "9")]  # fmt: skip
    assert questions_of(MANY, trials) == ["how many stars ?"]
    assert may_hold(MANY, "how many moons ?") and not may_hold(MANY, "what is it ?")
    assert may_hold(read_rule("answer > 4"), "anything") and may_hold(((),), "anything")
    edited = read_rule('instruction has any("red")')
    assert not may_hold(edited, "how many stars ?")
    world = World()
    assert draw(Wanted("edited", QUESTIONS, crowded, partial(may_hold, edited), 9, 3), seeds(5), world, 0) == []
    assert world.asked == []  # nothing about a fresh image can satisfy it
