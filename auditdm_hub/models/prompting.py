"""From a question to the token ids of a prompt, without preparing its image again.

A processor expands the placeholder of an image into as many tokens as the image takes, which depends on the image's
size alone. So:

1. The first prompt for each image size goes through the processor, which reports the expansion.
2. For all others the placeholder is replaced by that expansion and the tokenizer is called once for the whole batch.
3. Where the two ways disagree on the first prompt, or a processor reports nothing, the answer is `None`, and the
   caller takes the processor for everything: slower, and always right.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image

from auditdm_hub.errors import ModelError
from auditdm_hub.models.thinking import CLOSED, opens_thoughts

# transformers declares only what all processors share; we read what each has beside it.
Processor = Any

# PaliGemma's processor adds these itself, after the placeholder was expanded.
PREFIX_MODELS = frozenset({"paligemma"})
QUESTION = "{question}"
TOKEN_TYPES = ("token_type_ids", "mm_token_type_ids")


@dataclass(frozen=True, slots=True)
class Expansion:
    """How the processor treats images of one size.

    `placeholder` stands in the text where `text` belongs, `tokens` of whose tokens stand for the image. `token_types`
    names the per-token inputs beside ids and mask: True = 1 on image tokens, False = 0 everywhere.
    """

    placeholder: str
    text: str
    token_types: tuple[tuple[str, bool], ...]
    tokens: int


def template_of(config: Any, answer_prompt: str = "") -> str:  # noqa: ANN401 - a configuration of transformers
    """Return what stands around a question.

    That is `auditdm_prompt_template` of the model's configuration if it has one, "answer en {question}" for PaliGemma,
    and for chat models `answer_prompt`, or the question alone.
    """
    own = getattr(config, "auditdm_prompt_template", None)
    return own or (f"answer en {QUESTION}" if config.model_type in PREFIX_MODELS else answer_prompt or QUESTION)


class Prompter:
    """Writes prompts: the chat template of the model, or a plain prefix for models that have none."""

    def __init__(self, processor: Processor, model_type: str, template: str) -> None:
        """Bind a processor.

        Args:
            processor: of the model.
            model_type: as in the model's configuration.
            template: text around "{question}".

        Raises:
            ModelError: the template has no "{question}", or a model that needs a chat template has none.
        """
        if template.count(QUESTION) != 1:
            raise ModelError(f"prompt template {template!r} must contain {QUESTION} exactly once")
        self._processor = processor
        self._tokenizer = processor.tokenizer
        self._template = template
        self.prefix = model_type in PREFIX_MODELS
        if not self.prefix:
            require_chat_template(processor, model_type)
        self._expansions: dict[tuple[int, int], Expansion | None] = {}
        self._control = {*self._tokenizer.all_special_tokens, getattr(processor, "image_token", "")} - {""}

    def allowed(self, question: str) -> bool:
        """Tell whether a question is plain text: one that holds a control token would forge the prompt."""
        return not any(token in question for token in self._control)

    def render(self, question: str) -> str:
        """Return the text that the processor takes."""
        text = self._template.replace(QUESTION, question)
        if self.prefix:
            return f"{self._processor.image_token}{text}"
        content = [{"type": "image"}, {"type": "text", "text": text}]
        messages = [{"role": "user", "content": content}]
        return str(self._processor.apply_chat_template(messages, add_generation_prompt=True, tokenize=False))

    def answered(self, answer: str) -> str:
        """Return what the chat template writes for an answer behind a prompt, to the end of the turn.

        Where a template writes the prompt otherwise once there is an answer, it is the answer and the token that ends a
        text; where the prompt opens thoughts, these are closed before.
        """
        messages = [
            {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "?"}]},
            {"role": "assistant", "content": [{"type": "text", "text": answer}]},
        ]
        asked = str(self._processor.apply_chat_template(messages[:1], add_generation_prompt=True, tokenize=False))
        whole = str(self._processor.apply_chat_template(messages, tokenize=False))
        rest = whole.removeprefix(asked).rstrip("\n")
        if opens_thoughts(asked):
            return f"{CLOSED}\n\n{answer}{self._tokenizer.eos_token}"
        plain = not whole.startswith(asked) or rest.strip() == answer  # or a template that ends no turn
        return f"{answer}{self._tokenizer.eos_token}" if plain else rest

    def text_options(self, text: str) -> dict[str, object]:
        """Return the tokenizer's options: a template that writes the first token itself shall not get it twice."""
        bos = self._tokenizer.bos_token
        return {"add_special_tokens": False} if bos and text.startswith(bos) else {}

    def expansion(self, question: str, image: Image.Image) -> Expansion | None:
        """Return how images of that size are treated; `None` = this processor has to be called for everything."""
        if image.size not in self._expansions:
            self._expansions[image.size] = self._learn(question, image)
        return self._expansions[image.size]

    def encode(self, questions: Sequence[str], expansion: Expansion) -> list[dict[str, list[int]]]:
        """Return ids and other per-token inputs of each prompt, unpadded."""
        texts = [self.render(question) for question in questions]
        options = self.text_options(texts[0])
        texts = [self._place(text, expansion) for text in texts]
        rows = self._tokenizer(texts, return_token_type_ids=False, return_attention_mask=False, **options)["input_ids"]
        encoded = []
        for ids in rows:
            row = {"input_ids": ids}
            for name, marks in expansion.token_types:
                row[name] = self._image_marks(ids) if marks else [0] * len(ids)
            encoded.append(row)
        return encoded

    def shared_tokens(self, rows: Sequence[Mapping[str, list[int]]]) -> int:
        """Return how many tokens all rows have alike up to the end of their image; 0 for prompts that are not causal.

        PaliGemma sees its whole prefix in both directions, so that nothing of it is the same for two questions.
        """
        if self.prefix:
            return 0
        first = rows[0]["input_ids"]
        length = max((place + 1 for place, mark in enumerate(self._image_marks(first)) if mark), default=0)
        return length if all(row["input_ids"][:length] == first[:length] for row in rows) else 0

    def _place(self, text: str, expansion: Expansion) -> str:
        if not self.prefix:
            return text.replace(expansion.placeholder, expansion.text, 1)
        before, after = text.split(expansion.placeholder, 1)
        return f"{before}{expansion.text}{self._tokenizer.bos_token}{after}\n"

    def _image_marks(self, ids: Sequence[int]) -> list[int]:
        # Gemma 3's processor names the token that opens an image; its tokenizer the one that is repeated.
        name = getattr(self._tokenizer, "image_token", None) or self._processor.image_token
        image_token = self._tokenizer.convert_tokens_to_ids(name)
        return [int(token == image_token) for token in ids]

    def _learn(self, question: str, image: Image.Image) -> Expansion | None:
        """Run the processor once and check that its result can be had without it."""
        text = self.render(question)
        inputs = self._processor(
            text=[text], images=[[image]], return_text_replacement_offsets=True, **self.text_options(text)
        )
        replaced = (inputs.get("text_replacement_offsets") or [[]])[0]
        if len(replaced) != 1:
            return None
        want = list(inputs["input_ids"][0])
        token_types = []
        for name in TOKEN_TYPES:
            if name in inputs:
                row = list(inputs[name][0])
                if any(row) and row != self._image_marks(want):
                    return None
                token_types.append((name, any(row)))
        parts = str(replaced[0]["text"]), str(replaced[0]["replacement"])
        expansion = Expansion(*parts, tuple(token_types), sum(self._image_marks(want)))
        got = self.encode([question], expansion)[0]
        return expansion if got["input_ids"] == want else None


def require_chat_template(processor: Processor, name: str) -> None:
    """Refuse a model that cannot be told what to write.

    Raises:
        ModelError: the processor has no chat template.
    """
    if not getattr(processor, "chat_template", None):
        raise ModelError(
            f"{name} has no chat template, so it cannot follow instructions: use an instruction-tuned model "
            "(PaliGemma can be target or reference, not auditor)"
        )
