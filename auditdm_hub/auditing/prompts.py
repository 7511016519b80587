"""What the auditor is asked to write: one prompt for each action (p_q, p_c and p_e of arXiv 2512.16921, section 3).

A template may hold `{question}`, the question that stands beside the image, and `{theme}`, a wish for what to look at;
without a theme its sentence is left out. The answer is one line that starts with the action's tag, which
`auditdm_hub.auditing.parse` reads. The wording is ours: the paper's is not published.
"""

import re
from dataclasses import dataclass, replace
from typing import Any

from auditdm_hub.errors import ConfigError
from auditdm_hub.records import ACTIONS, Action

SLOTS = ("question", "theme")
SLOT = re.compile(r"\{(\w*)\}")


@dataclass(frozen=True, slots=True)
class AuditorPrompts:
    """The three templates, and how a theme is worded where a template has its slot.

    Raises:
        ConfigError: a template is empty or has an unknown slot.
    """

    question: str
    caption: str
    edit: str
    theme: str = "{theme}"

    def __post_init__(self) -> None:
        for action in ACTIONS:
            template = self.template(action)
            unknown = [slot for slot in SLOT.findall(template) if slot not in SLOTS]
            if not template.strip() or unknown:
                got = f"the unknown slot {{{unknown[0]}}}" if unknown else "nothing"
                wanted = "text with no slots but {question} and {theme}"
                raise ConfigError(f"prompts.{action}: got {got}, wanted {wanted}; leave the key out for our own prompt")

    def template(self, action: Action) -> str:
        """Return the template of an action."""
        templates: dict[Action, str] = {"question": self.question, "caption": self.caption, "edit": self.edit}
        return templates[action]

    def render(self, action: Action, question: str, theme: str | None) -> str:
        """Return the prompt of an action with its slots filled."""
        wish = self.theme.replace("{theme}", theme) if theme else ""
        # One pass: a question that itself holds "{theme}" must stay as it is.
        filled = SLOT.sub(lambda slot: question if slot[1] == "question" else wish, self.template(action))
        return re.sub(r" {2,}", " ", filled).strip()

    def messages(self, action: Action, question: str, theme: str | None) -> list[dict[str, Any]]:
        """Return the conversation for TRL, which adds the row's image to the first message."""
        return [{"role": "user", "content": self.render(action, question, theme)}]

    def override(self, question: str = "", caption: str = "", edit: str = "") -> "AuditorPrompts":
        """Return these prompts with the non-empty ones of the arguments in their place."""
        return replace(
            self, question=question or self.question, caption=caption or self.caption, edit=edit or self.edit
        )


DEFAULT_PROMPTS = AuditorPrompts(
    question=(
        "You examine a vision-language model. Study this image and write one question about it that a careful person "
        "answers in a few words just by looking, but that a model is likely to get wrong: small or partly hidden "
        "things, exact counts, positions relative to each other, unusual attributes, text, what is missing. "
        "It must have a single clear answer. Do not reveal or hint at the answer. {theme} "
        "Reply with exactly one line that starts with <question> and holds nothing but the question."
    ),
    caption=(
        "You examine a vision-language model with new images. Study this image and describe, for a painter who has not "
        "seen it, a similar scene in which this question is hard for a model but can still be answered by looking: "
        '"{question}" Keep what the question speaks of; add crowded, small, similar or unusually placed things. '
        "Do not write the answer into the scene as text. {theme} "
        "Reply with exactly one line that starts with <caption> and holds nothing but the description."
    ),
    edit=(
        "You examine a vision-language model with changed images. Study this image and give one precise instruction "
        'that changes a single thing in it, so that a model is likely to answer this question wrongly: "{question}" '
        "The question must still make sense and have one clear answer after the change. "
        "Do not add the answer as text. {theme} "
        "Reply with exactly one line that starts with <edit> and holds nothing but the instruction."
    ),
    theme="Let it concern {theme}.",
)

# Short, in words that the playground's auditor was trained on.
PLAYGROUND_PROMPTS = AuditorPrompts(
    question="ask {theme}",
    caption="draw {theme} for {question}",
    edit="edit {theme} for {question}",
    theme="about {theme}",
)
