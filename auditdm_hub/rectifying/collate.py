"""From examples to a batch: prompts exactly as at inference, and a loss on the answer alone.

PaliGemma's processor marks what is prefix (seen in both directions, not scored) and what is suffix. For chat models the
prompt is what the chat template writes up to the answer, and everything up to there is left out of the loss; the answer
is written as the template has it, with its space before and its end of turn (`Prompter.answered`).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from PIL import Image

from auditdm_hub.models.prompting import Processor, Prompter

IGNORED = -100
Batch = dict[str, Any]


class Collator:
    """Makes a batch of rows with `image`, `question` and `label`."""

    def __init__(self, processor: Processor, prompter: Prompter, images: Callable[[str], Image.Image]) -> None:
        """Bind a processor, what writes the prompts, and what returns an image by its hash."""
        self._processor, self._prompter, self._images = processor, prompter, images

    def __call__(self, rows: Sequence[Mapping[str, str]]) -> Batch:
        """Return padded inputs with `labels`."""
        images = [[self._images(row["image_sha"]).convert("RGB")] for row in rows]
        prompts = [self._prompter.render(" ".join(row["question"].split())) for row in rows]
        answers = [row["label"] if self._prompter.prefix else self._prompter.answered(row["label"]) for row in rows]
        tokenizer = self._processor.tokenizer
        side, tokenizer.padding_side = tokenizer.padding_side, "right"
        try:
            if self._prompter.prefix:
                return self._prefixed(prompts, answers, images)
            return self._chat(prompts, answers, images)
        finally:
            tokenizer.padding_side = side

    def _prefixed(self, prompts: list[str], answers: list[str], images: list[list[Image.Image]]) -> Batch:
        batch = self._processor(text=prompts, images=images, suffix=answers, padding=True, return_tensors="pt")
        return dict(batch)

    def _chat(self, prompts: list[str], answers: list[str], images: list[list[Image.Image]]) -> Batch:
        options = self._prompter.text_options(prompts[0])
        whole = [f"{prompt}{answer}" for prompt, answer in zip(prompts, answers, strict=True)]
        batch = self._processor(text=whole, images=images, padding=True, return_tensors="pt", **options)
        alone = self._processor(text=prompts, images=images, padding=True, return_tensors="pt", **options)
        labels = batch["input_ids"].clone()  # (B, T)
        labels[batch["attention_mask"] == 0] = IGNORED
        for number, length in enumerate(alone["attention_mask"].sum(1).tolist()):
            labels[number, :length] = IGNORED
        return {**batch, "labels": labels}
