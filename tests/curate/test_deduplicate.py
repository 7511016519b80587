"""What counts as the same failure, and what does not."""

import numpy as np
import pytest
from curate.judged_rows import judged

from auditdm_hub.curate.deduplicate import Deduplication, deduplicate
from auditdm_hub.curate.embed import load_embedder
from auditdm_hub.records import Judged


def run(rows: list[Judged]) -> Deduplication:
    return deduplicate(rows, load_embedder().embed([row.probe.question for row in rows]))


def test_paraphrases_on_one_source_image_with_equal_answers_are_one() -> None:
    rows = [
        judged("is the red circle left or right of the blue square?", "left", "right"),
        judged("is the red circle to the left or to the right of the blue square?", "left", "Right."),
        judged(
            "is the red circle to the left or right of the blue square?", "left", "right", image="x", source="image"
        ),
    ]
    result = run(rows)
    assert len(result.kept) == 1
    (kept,) = result.kept
    assert rows[kept].probe.id == min(row.probe.id for row in rows)
    assert {duplicate.of for duplicate in result.dropped.values()} == {rows[kept].probe.id}
    assert set(result.dropped) == {row.probe.id for row in rows} - {rows[kept].probe.id}


@pytest.mark.parametrize(
    "other",
    [
        judged("how many red circles are there?", "5", "4", image="another"),
        judged("how many red circles are there?", "5", "3"),
        judged("how many red circles are there?", "6", "4"),
        judged("how many blue circles are there?", "5", "4"),
        judged("what is the sum of the digits?", "5", "4"),
    ],
)
def test_other_images_answers_and_questions_are_kept(other: Judged) -> None:
    result = run([judged("how many red circles are there?", "5", "4"), other])
    assert result.kept == (0, 1)
    assert not result.dropped


def test_exact_repeats_say_so_and_the_result_does_not_depend_on_the_order() -> None:
    rows = [judged("Count the stars!", "5", "4", seed=str(seed)) for seed in range(4)]
    forward, backward = run(rows), run(rows[::-1])
    assert forward.dropped == backward.dropped
    assert {duplicate.reason for duplicate in forward.dropped.values()} == {"exact: same image, question and answers"}
    assert [rows[i].probe.id for i in forward.kept] == [rows[::-1][i].probe.id for i in backward.kept]


def test_nothing_and_the_wrong_number_of_rows() -> None:
    assert run([]) == Deduplication((), {})
    with pytest.raises(ValueError, match="one row per trial"):
        deduplicate([], np.zeros((1, 4), np.float32))
