from auditdm_hub.auditing.parse import parse
from auditdm_hub.auditing.texts import CAPTIONS, EDITS, QUESTIONS, generic_texts
from auditdm_hub.records import ACTIONS, Seed


def seed(question: str, caption: str) -> Seed:
    return Seed(f"{question} {caption}", "0" * 64, caption, question, "", "made", "CC0-1.0", "discovery")


def test_every_text_can_be_asked() -> None:
    texts = generic_texts([])
    assert texts == {"question": list(QUESTIONS), "caption": list(CAPTIONS), "edit": list(EDITS)}
    for action in ACTIONS:
        assert len(set(texts[action])) == len(texts[action]) >= 8
        faults = {text: parse(f"<{action}> {text}", action, "how many?").fault for text in texts[action]}
        assert set(faults.values()) == {""}, faults


def test_what_the_pool_says_comes_first_and_once() -> None:
    texts = generic_texts([seed("how many cups?", "two cups"), seed("how many cups?", "a cup"), seed("", "")])
    assert texts["question"] == ["how many cups?", *QUESTIONS]
    assert texts["caption"] == ["a cup", "two cups", *CAPTIONS]
    assert texts["edit"] == list(EDITS)


def test_what_cannot_be_asked_is_left_out() -> None:
    questions = ["cups", "how many? which?", "what is it, the answer is 4?", "two\nlines?"]
    captions = ["what is this?", "word " * 161, "two\nlines", "a <edit> b", "..."]
    texts = generic_texts([seed(question, "") for question in questions] + [seed("", caption) for caption in captions])
    assert (texts["question"], texts["caption"]) == (list(QUESTIONS), list(CAPTIONS))
