import json

import pytest

from auditdm_hub.auditing.novelty import Novelty, duplicate_key, frame, kind_of
from auditdm_hub.records import Exchange, Judged, Probe, Verdict


def found(question: str, instruction: str = "", target: str = "4", consensus: str = "5") -> Judged:
    probe = Probe(
        "s", "a", "edit" if instruction else "question", 0, "", question, "auditor", "i", "original", instruction, "i"
    )
    return Judged(Exchange(probe, target, {"r": consensus}), Verdict("failure", consensus, 1.0))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("How many red circles are there?", "how many _ are there"),
        ("how many cups are there", "how many _ are there"),
        ("What colour is the large, striped cross?", "what colour is the _"),
        ("is the red star left of the blue one?", "is the _ left of the _"),
        ("set the clock to 4.", "set the _ to #"),
        ("", ""),
    ],
)
def test_frames(text: str, wanted: str) -> None:
    assert frame(text) == wanted


def test_kinds_tell_actions_and_instructions_apart() -> None:
    assert kind_of(found("how many cups are there?")) == "question | how many _ are there"
    assert kind_of(found("what time is it?", "set the clock to 4")) == "edit | what time is it | set the _ to #"


def test_duplicates_share_their_value_within_a_group_only() -> None:
    novelty = Novelty()
    rows = [found("How many cups?"), found("how many cups ?"), found("how many bowls?"), found("how many cups?")]
    assert novelty.weights(rows, ["one", "one", "one", "other"]) == [0.5, 0.5, 1, 1]


def test_another_contrast_is_no_duplicate() -> None:
    assert duplicate_key(found("how many?", target="4")) != duplicate_key(found("how many?", target="3"))
    assert duplicate_key(found("how many?", "add a cup")) != duplicate_key(found("how many?", "add a bowl"))


def test_what_was_found_often_is_worth_less() -> None:
    novelty = Novelty(strength=4)
    many, time = found("how many cups are there?"), found("what time is it?")
    assert novelty.weights([many], [0]) == [1]
    novelty.learn(novelty.kinds([many, many, many, time]))
    assert novelty.weights([many, time], [0, 0]) == [1 / (1 + 4 * 0.75), 1 / (1 + 4 * 0.25)]
    assert novelty.weights([found("how many red cars are there?")], [0]) == [1 / (1 + 4 * 0.75)]
    assert novelty.effective_kinds == pytest.approx(1.7548, abs=1e-4)


def test_the_archive_forgets() -> None:
    novelty = Novelty(strength=1, decay=0.5)
    many, time = found("how many cups are there?"), found("what time is it?")
    novelty.learn(novelty.kinds([many]))
    novelty.learn(novelty.kinds([time]))
    assert novelty.weights([many, time], [0, 0]) == [1 / (1 + 1 / 3), 1 / (1 + 2 / 3)]
    for _ in range(30):
        novelty.learn([])
    assert novelty.state() == {}
    assert novelty.effective_kinds == 0


def test_state_goes_through_json_without_loss() -> None:
    novelty, again = Novelty(), Novelty()
    for size in range(1, 9):
        novelty.learn([f"kind {n}" for n in range(size)])
    again.restore(json.loads(json.dumps(novelty.state())))
    again.learn(["kind 1"])
    novelty.learn(["kind 1"])
    assert again.state() == novelty.state()
