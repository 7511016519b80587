"""An auditor that is a vision-language model of transformers, with or without a LoRA adapter.

A text depends on its image, action, question, theme and seed, and not on what else is in the batch: each row has its
own stream of uniform numbers, drawn from its seed, and picks its token by the inverse of the cumulative distribution,
p(token) = softmax(logits / temperature). (Up to rounding: a matrix product of another size may differ in its last bit.)
Rows are sorted by the length of their prompt, so that little is padded. Image tokens are never sampled.
"""

import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, Self, cast

import numpy as np
import torch
from PIL.Image import Image
from transformers import LogitsProcessor, LogitsProcessorList

from auditdm_hub.errors import ModelError, first_line
from auditdm_hub.models.loading import Loading, is_out_of_memory, load_parts
from auditdm_hub.models.prompting import require_chat_template
from auditdm_hub.models.quiet import quiet_libraries
from auditdm_hub.models.repeats import share_repeats
from auditdm_hub.models.revision import versioned
from auditdm_hub.models.shared import SharedBase
from auditdm_hub.records import Action

Messages = list[dict[str, Any]]
PromptOf = Callable[[Action, str, str | None], str]
"""From action, question and theme to what is asked: `AuditorPrompts.render`."""
# What a model's own generation_config may set and GRPO's sampling does not use.
NEUTRAL: dict[str, Any] = {"temperature": None, "top_p": None, "top_k": None, "repetition_penalty": None}


LOG = logging.getLogger("auditdm_hub")


class TransformersAuditor:
    """Writes probes with a chat model that sees images. Satisfies the `Auditor` protocol."""

    def __init__(
        self,
        model: Any,  # noqa: ANN401 - transformers has no common type for a model that generates from images
        processor: Any,  # noqa: ANN401
        name: str,
        prompt: PromptOf,
        batch_size: int = 64,
        max_new_tokens: int = 96,
        temperature: float = 1.0,
    ) -> None:
        """Wrap a loaded model; `prompt` renders what is asked (`AuditorPrompts.render`).

        Raises:
            ValueError: the temperature is not above 0.
        """
        if temperature <= 0:
            raise ValueError(f"temperature must be above 0, got {temperature}")
        self.id = name
        self._model = model.eval()
        self._processor = processor
        self._prompt = prompt
        self._batch_size = batch_size
        self._max_new_tokens = max_new_tokens
        self._temperature = temperature
        self._suppressed = image_token_ids(model, processor)
        self.base_id = name
        """That of the base model, without an adapter."""
        self._around: Callable[[], AbstractContextManager[None]] = nullcontext

    @classmethod
    def load(
        cls,
        base: str | SharedBase,
        prompt: PromptOf,
        adapter: Path | None = None,
        how: Loading | None = None,
        batch_size: int = 64,
        max_new_tokens: int = 96,
        temperature: float = 1.0,
    ) -> Self:
        """Load a base model by its name or folder, and the LoRA adapter if there is one; `how` None = on the CPU.

        Of a base that others use too the weights stay as they are, and the adapter is not merged into them.

        Raises:
            ModelError: the model cannot be loaded or has no chat template, or the adapter does not fit it.
        """
        shared = base if isinstance(base, SharedBase) else None
        with quiet_libraries():
            model, processor, base_id = load_chat_model(base, how or Loading("cpu"))
            name = base_id
            if adapter is not None:
                if shared:
                    shared.strip()
                model = _with_adapter(model, adapter, merge=shared is None)
                name = f"{name}+{versioned(str(adapter), None)}"
        made = cls(model, processor, name, prompt, batch_size, max_new_tokens, temperature)
        made.base_id = base_id
        if shared and adapter is None:
            made._around = shared.bare
        return made

    def write(
        self,
        images: Sequence[Image],
        actions: Sequence[Action],
        questions: Sequence[str],
        themes: Sequence[str | None],
        seeds: Sequence[int],
    ) -> list[str]:
        """Write one text per image."""
        prompts = [self._prompt(*row) for row in zip(actions, questions, themes, strict=True)]
        order = sorted(range(len(prompts)), key=lambda i: (len(prompts[i]), prompts[i], i))
        texts = [""] * len(prompts)
        start = 0
        while start < len(order):
            rows = order[start : start + self._batch_size]
            try:
                with self._around(), torch.inference_mode():
                    written = self._sample(
                        [images[i] for i in rows], [prompts[i] for i in rows], [seeds[i] for i in rows]
                    )
            except RuntimeError as error:
                if len(rows) == 1 or not is_out_of_memory(error):
                    raise
                written = []
            if not written:  # outside of the except, where the traceback would hold what is to be freed
                self._halve(len(rows))
                continue
            for i, text in zip(rows, written, strict=True):
                texts[i] = text
            start += len(rows)
        return texts

    def _halve(self, size: int) -> None:
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        LOG.warning("%s: not enough memory for %d texts at a time, so fewer are written", self.id, size)
        self._batch_size = (size + 1) // 2

    def _sample(self, images: list[Image], prompts: list[str], seeds: list[int]) -> list[str]:
        inputs = self._processor.apply_chat_template(
            [_messages(image, prompt) for image, prompt in zip(images, prompts, strict=True)],
            add_generation_prompt=True,
            tokenize=True,
            return_dict=True,
            return_tensors="pt",  # by name: SmolVLM's processor overlooks it among the others
            processor_kwargs={"padding": True, "padding_side": "left"},
        ).to(self._model.device)
        if "pixel_values" in inputs:
            inputs["pixel_values"] = inputs["pixel_values"].to(self._model.dtype)
        uniforms = np.stack([np.random.default_rng(seed).random(self._max_new_tokens) for seed in seeds])  # (B, T)
        length = inputs["input_ids"].shape[1]
        sampler = RowSampler(torch.from_numpy(uniforms), self._temperature, self._suppressed, length)
        tokens = self._model.generate(
            **inputs,
            max_new_tokens=self._max_new_tokens,
            do_sample=False,  # the sampler leaves one token per row
            logits_processor=LogitsProcessorList([sampler]),
            pad_token_id=self._processor.tokenizer.pad_token_id,
            **NEUTRAL,
        )  # (B, P + T)
        texts: list[str] = self._processor.batch_decode(tokens[:, length:], skip_special_tokens=True)
        return [text.strip() for text in texts]


class RowSampler(LogitsProcessor):
    """Replaces the logits of each row by 0 for one sampled token and -inf for all others."""

    def __init__(self, uniforms: torch.Tensor, temperature: float, suppressed: Sequence[int], prompt: int) -> None:
        """Take the uniform numbers in [0, 1), (B, T), and the length of the padded prompts."""
        self._uniforms = uniforms
        self._temperature = temperature
        self._suppressed = list(suppressed)
        self._prompt = prompt

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.FloatTensor:
        """Return the new logits, (B, V)."""
        logits = scores.float() / self._temperature
        logits[:, self._suppressed] = -torch.inf
        # In double precision: over a vocabulary of 262,144 the sum would otherwise miss 1 by more than a rare token.
        exact = logits.cpu() if logits.device.type == "mps" else logits  # which has no double precision
        cumulative = exact.double().softmax(-1).cumsum(-1)  # (B, V)
        drawn = self._uniforms[:, input_ids.shape[1] - self._prompt].to(cumulative)  # (B,)
        # Scaled by the total, so that no rounding can ask for what lies beyond the last token; `right` skips zeros.
        tokens = torch.searchsorted(cumulative, (drawn * cumulative[:, -1])[:, None], right=True)  # (B, 1)
        chosen = torch.full_like(logits, -torch.inf)
        tokens = tokens.clamp_(max=logits.shape[1] - 1).to(logits.device)
        return cast(torch.FloatTensor, chosen.scatter_(1, tokens, 0.0))


def load_chat_model(base: str | SharedBase, how: Loading) -> tuple[Any, Any, str]:
    """Load model, processor and id (name@revision). A shared one is loaded as its others want it.

    Raises:
        ModelError: it cannot be loaded, sees no images, or has no chat template (PaliGemma has none).
    """
    model, processor, name = base.parts if isinstance(base, SharedBase) else load_parts(base, how)
    require_chat_template(processor, name)
    processor.tokenizer.padding_side = "left"
    share_repeats(model, processor)
    return model, processor, name


def image_token_ids(model: Any, processor: Any) -> list[int]:  # noqa: ANN401
    """Return the tokens that stand for an image or its borders; sampled, they would have no image to stand for."""
    config, tokenizer = model.config, processor.tokenizer
    names = ("image_token_id", "image_token_index", "boi_token_index", "eoi_token_index", "video_token_id")
    found = {getattr(config, name, None) for name in names}
    found |= {getattr(tokenizer, name, None) for name in ("image_token_id", "boi_token_id", "eoi_token_id")}
    size = model.get_input_embeddings().num_embeddings
    return sorted(token for token in found if isinstance(token, int) and 0 <= token < size)


def _with_adapter(model: Any, adapter: Path, *, merge: bool) -> Any:  # noqa: ANN401
    from peft import PeftModel

    try:
        adapted: Any = PeftModel.from_pretrained(model, str(adapter))
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise ModelError(
            f"{adapter} is no LoRA adapter of this model: {first_line(error)}; name the auditor's base"
        ) from error
    # Merged, a step has half as many small products; in bfloat16 merging would round the adapter away.
    return adapted.merge_and_unload() if merge and model.dtype == torch.float32 else adapted


def _messages(image: Image, prompt: str) -> Messages:
    return [{"role": "user", "content": [{"type": "image", "image": image}, {"type": "text", "text": prompt}]}]
