import pytest

from auditdm_hub.auditing.prompts import DEFAULT_PROMPTS, PLAYGROUND_PROMPTS, AuditorPrompts
from auditdm_hub.errors import ConfigError
from auditdm_hub.records import ACTIONS


def test_every_default_prompt_asks_for_its_own_tag() -> None:
    for action in ACTIONS:
        text = DEFAULT_PROMPTS.render(action, "How many cups are there?", None)
        assert f"starts with <{action}>" in text
        assert "{" not in text and "  " not in text
        assert ("How many cups are there?" in text) == (action != "question")


def test_a_theme_is_worded_or_left_out() -> None:
    assert "Let it concern clocks." in DEFAULT_PROMPTS.render("question", "", "clocks")
    assert "Let it concern" not in DEFAULT_PROMPTS.render("question", "", None)


def test_slots_in_the_question_itself_are_not_filled() -> None:
    prompts = AuditorPrompts(question="ask {theme}", caption="draw for {question}", edit="edit for {question}")
    assert prompts.render("caption", "what is {theme}?", "clocks") == "draw for what is {theme}?"
    assert prompts.render("question", "", "clocks") == "ask clocks"


def test_playground_prompts_are_short_messages() -> None:
    assert PLAYGROUND_PROMPTS.messages("question", "is it red?", None) == [{"role": "user", "content": "ask"}]
    assert PLAYGROUND_PROMPTS.render("edit", "is it red?", None) == "edit for is it red?"


def test_override_replaces_only_what_is_given() -> None:
    changed = PLAYGROUND_PROMPTS.override(edit="change {question}")
    assert changed == AuditorPrompts("ask {theme}", "draw {theme} for {question}", "change {question}", "about {theme}")


@pytest.mark.parametrize(("template", "got"), [("ask about {answer}", r"\{answer\}"), (" ", "got nothing")])
def test_templates_that_cannot_be_used_are_refused(template: str, got: str) -> None:
    with pytest.raises(ConfigError, match=f"prompts.question: .*{got}"):
        AuditorPrompts(question=template, caption="c", edit="e")
