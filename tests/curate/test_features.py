"""What failures are clustered on."""

import random

import numpy as np
import pytest
from curate.judged_rows import judged

from auditdm_hub.curate.embed import load_embedder
from auditdm_hub.curate.features import contrast_entropy, contrasts, failure_features, weighted_questions, word_weights


def test_words_that_predict_the_class_weigh_and_nouns_do_not() -> None:
    questions = ["how many dogs", "how many cats", "what color are the dogs", "what color are the cats"] * 20
    weights = word_weights(questions, [0, 0, 1, 1] * 20)
    assert weights["many"] == weights["color"] == pytest.approx(np.log(2), rel=0.1)
    assert weights["dog"] == weights["cat"] == pytest.approx(0, abs=1e-3)
    assert word_weights(["rare"], [0]) == {"rare": 0}


def test_rows_are_unit_length_and_equal_failures_have_equal_rows() -> None:
    embedder = load_embedder()
    rows = [
        judged("how many dogs?", "5", "4"),
        judged("how many dogs?", "five", "4."),
        judged("a red dog?", "no", "yes"),
    ]
    features = failure_features(rows, embedder)
    np.testing.assert_allclose(np.linalg.norm(features, axis=1), 1, atol=1e-5)
    assert features[0] @ features[1] == pytest.approx(1, abs=1e-5)
    assert features[0] @ features[2] < 0.9
    assert contrasts(rows, embedder).shape == (3, 263)
    assert failure_features([], embedder).shape[0] == 0
    assert not weighted_questions(["unheard"], {}, embedder).any()


def test_entropy_tells_systematic_answers_from_random_ones() -> None:
    rng = random.Random(0)
    digits = [str(digit) for digit in range(10)]
    right = [rng.choice(digits) for _ in range(300)]
    usual = [judged("digit?", answer, str((int(answer) + 3) % 10)) for answer in right]
    guesses = [judged("digit?", answer, rng.choice([d for d in digits if d != answer])) for answer in right]
    assert contrast_entropy(usual, [0] * 300) < 0.05
    assert contrast_entropy(guesses, [0] * 300) > 0.97
    assert contrast_entropy([judged("is it?", "yes", "no")] * 9, [0] * 9) == 0
    assert contrast_entropy([], []) == 0
