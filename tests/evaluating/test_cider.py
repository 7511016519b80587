"""CIDEr by pycocoevalcap: whatever a model writes, it changes the score of its own caption alone."""

import pytest

from auditdm_hub.evaluating.benchmarks.captions import cider
from auditdm_hub.evaluating.items import Answered

pytestmark = pytest.mark.extras
REFERENCES = (
    ["a cat sits on a mat", "a cat on the mat"],
    ["two dogs run in the park", "dogs running"],
    ["a man rides a horse", "man on horse"],
    ["two dogs play", "dogs playing outside"],
)
SAID = ("a cat sits on a mat", "a red car", "a man rides a brown horse", "two dogs play")


def scores(*said: str | None) -> list[float]:
    return cider([
        Answered(str(number), "", references, answer)
        for number, (references, answer) in enumerate(zip(REFERENCES, said, strict=True))
    ])  # fmt: skip


def test_a_caption_as_its_references_scores_most_and_another_nothing() -> None:
    cat, car, horse, dogs = scores(*SAID)
    assert cat > 5
    assert car == 0
    assert 0 < horse < cat
    assert dogs > 3


@pytest.mark.parametrize(
    "odd",
    [
        "",
        "  ",
        None,
        "...",
        "a\nb",
        "a\rb",
        "a\u2028b",
        "a\x0bb\x85c",
        "a\x00b",
        "<|endoftext|>",
        "café 日本 \U0001f600",
    ],
)
def test_an_odd_caption_moves_no_other(odd: str | None) -> None:
    plain = scores(*SAID)
    found = scores(SAID[0], odd, *SAID[2:])
    assert found[1] == 0
    assert [found[0], *found[2:]] == pytest.approx([plain[0], *plain[2:]])


def test_line_breaks_are_spaces() -> None:
    broken = "two\ndogs\u2028run in\r the park"
    assert scores(SAID[0], broken, *SAID[2:]) == scores(SAID[0], "two dogs run in the park", *SAID[2:])
