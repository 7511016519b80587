import pytest

from auditdm_hub.models.thinking import opens_thoughts, spoken


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("red", "red"),
        ("", ""),
        ("<think>The car is</think>\n\nred", "red"),
        ("The car is red.</think> red", "red"),  # where the prompt opened the thoughts
        ("<think>a</think> b </think> c", "c"),
        ("<think>Okay, let me", None),
        ("\n<think>", None),
        ("what does <think> mean", "what does <think> mean"),
    ],
)
def test_thoughts_are_no_answer(text: str, said: str | None) -> None:
    assert spoken(text) == said


def test_thoughts_that_the_prompt_opened_have_no_mark_of_their_own() -> None:
    assert opens_thoughts("assistant\n<think>\n")
    assert not opens_thoughts("assistant\n<think>\n\n</think>\n\n")
    assert spoken("Okay, let me", opened=True) is None
    assert spoken("it is</think>\nred", opened=True) == "red"
