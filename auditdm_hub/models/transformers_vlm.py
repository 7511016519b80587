"""Any image-text-to-text model of transformers as target or reference.

How a batch of questions becomes answers:

1. Equal (image, question) pairs are asked once.
2. Each distinct image is prepared and encoded once (`features`); prompts are tokenised in one call (`prompting`).
3. Requests are sorted by length and cut into fixed batches (`batching`), padded on the left, decoded greedily. A batch
   ends when its last answer ends.
4. Where an image is asked about several times, its part of the prompt goes through a causal language model once: keys
   and values are kept for all questions on it. The padding is then between image and question.

A batch for which the device has not enough memory is halved, and so are those of later calls; the log says so once.

In fp32 an answer does not depend on what else is in its batch (but for exact ties of logits); in bf16 it may.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import torch
from PIL import Image
from transformers import GenerationConfig
from transformers.modeling_outputs import BaseModelOutputWithPooling

from auditdm_hub.images import image_sha
from auditdm_hub.models.batching import Key, chunks
from auditdm_hub.models.features import ImageFeatures
from auditdm_hub.models.loading import Loading, is_out_of_memory, load_parts, refuse_misfit
from auditdm_hub.models.prompting import PREFIX_MODELS, Expansion, Processor, Prompter, template_of
from auditdm_hub.models.shared import SharedBase
from auditdm_hub.models.thinking import opens_thoughts, spoken

if TYPE_CHECKING:
    from transformers import PreTrainedModel

Request = tuple[str, str]
"""Name of the image, question."""
LOADING = tuple(field.name for field in fields(Loading))
LOG = logging.getLogger(__name__)
ATTENDING = {"full_attention", "sliding_attention"}
LEAST_SHARED = 64
"""Tokens of an image's part of a prompt from which on it is worth to compute that once."""


class TransformersVLM:
    """A vision-language model on this machine. Memory is bounded by the requests of one call."""

    def __init__(
        self,
        model: "PreTrainedModel",
        processor: Processor,
        model_id: str,
        *,
        family: str | None = None,
        prompt_template: str | None = None,
        batch_size: int = 64,
        max_new_tokens: int = 16,
    ) -> None:
        """Wrap a loaded model; `load` is the usual way.

        Args:
            model: in evaluation mode, on its device.
            processor: its processor; the tokenizer is set to pad on the left.
            model_id: name@revision[+adapter].
            family: whose vote it casts; default: the architecture.
            prompt_template: text around "{question}"; default: `auditdm_prompt_template` of the model's configuration,
                else "answer en {question}" for PaliGemma and the bare question for chat models.
            batch_size: the most questions decoded at a time.
            max_new_tokens: where an answer is cut.
        """
        kind = model.config.model_type
        template = prompt_template or template_of(model.config)
        self.id = model_id
        self.family = family or kind
        self.decoding = f"greedy, at most {max_new_tokens} tokens, {model.dtype}, {template!r}"
        self.takes_prefix = kind in PREFIX_MODELS
        self._keep_lines = False
        self._model = model
        self._processor = processor
        self._tokenizer = processor.tokenizer
        self._tokenizer.padding_side = "left"
        self._batch_size, self._halved = batch_size, False
        self._around: Callable[[], AbstractContextManager[None]] = nullcontext
        self._prompter = Prompter(processor, kind, template)
        self._thinks = not self._prompter.prefix and opens_thoughts(self._prompter.render("?"))
        self._features = ImageFeatures(model, processor)
        # Its own, so that sampling settings of the checkpoint play no part.
        eos = model.generation_config.eos_token_id
        self._generation = GenerationConfig(
            do_sample=False,
            max_new_tokens=max_new_tokens,
            eos_token_id=self._tokenizer.eos_token_id if eos is None else eos,
            pad_token_id=self._tokenizer.pad_token_id,
            bos_token_id=self._tokenizer.bos_token_id,
        )
        model.generation_config = self._generation

    def again(self, prompt_template: str, max_new_tokens: int) -> "TransformersVLM":
        """Return the same loaded model with another prompt, in which lines stay lines; an audit folds white space."""
        made = TransformersVLM(
            self._model, self._processor, self.id, family=self.family, prompt_template=prompt_template,
            batch_size=self._batch_size, max_new_tokens=max_new_tokens,
        )  # fmt: skip
        made._keep_lines, made._around = True, self._around
        return made

    def refuse_misfit(self, adapter: str) -> None:
        """Raise if an adapter was made for a model of another size; it is not put on.

        Raises:
            ModelError: it was.
        """
        refuse_misfit(self._model, adapter)

    @classmethod
    def load(
        cls,
        name: str,
        *,
        revision: str | None = None,
        adapter: str | None = None,
        answer_prompt: str = "",
        shared: SharedBase | None = None,
        **options: Any,  # noqa: ANN401  # those of Loading and of __init__
    ) -> "TransformersVLM":
        """Load a model and its processor; safetensors only.

        Args:
            name: a folder, or a model of the Hub, with "@REVISION" if it is to be pinned.
            revision: branch, tag or commit on the Hub.
            adapter: folder or name of a LoRA adapter, as in `load_parts`.
            answer_prompt: text around "{question}" if it is a chat model without a template of its own; "" = nothing.
            shared: the model, if others have it already; it is not loaded again.
            options: `device`, `dtype`, `attention`, `bits`, `spread`, `remote_code` (`loading.Loading`), and `family`,
                `prompt_template`, `batch_size`, `max_new_tokens`.

        Raises:
            ModelError: there is no such model, it lacks a processor, or it does not take images and text.
        """
        how = Loading(**{key: options.pop(key) for key in LOADING if key in options})
        model, processor, model_id = shared.parts if shared else load_parts(name, how, revision, adapter)
        options.setdefault("prompt_template", template_of(model.config, answer_prompt))
        made = cls(model, processor, model_id, **options)
        if shared is not None:
            made._around = shared.bare
        return made

    def answer(self, images: Sequence[Image.Image], questions: Sequence[str]) -> list[str | None]:
        """Answer `questions[i]` on `images[i]`; `None` for a question that holds control tokens of the model.

        A model that thinks aloud has answered only once it ends that (`spoken`).
        """
        named, requests = _requests(images, questions, self._keep_lines)
        groups: dict[Expansion | None, list[Request]] = {}
        with self._around(), torch.inference_mode():
            self._model.generation_config = self._generation  # the loaded model may serve others with other options
            for sha, text in sorted({request for request in requests if self._prompter.allowed(request[1])}):
                groups.setdefault(self._prompter.expansion(text, named[sha]), []).append((sha, text))
            answers: dict[Request, str | None] = {}
            for expansion, members in groups.items():
                answers |= self._answer_group(named, members, expansion)
        said = (answers.get(request) for request in requests)
        return [None if text is None else spoken(text, self._thinks) for text in said]

    def _answer_group(
        self, named: Mapping[str, Image.Image], requests: list[Request], expansion: Expansion | None
    ) -> dict[Request, str | None]:
        features = None
        if expansion is not None:
            features = self._encode({sha: named[sha] for sha, _ in requests})
        # A processor may cut an image into more tiles than its image processor does by itself (InternVL).
        if expansion is None or features is None or any(len(each) != expansion.tokens for each in features.values()):
            return self._answer_processed(named, requests)
        texts = sorted({text for _, text in requests})
        prompts = dict(zip(texts, self._prompter.encode(texts, expansion), strict=True))
        answers: dict[Request, str | None] = {}
        length = self._shared_length(requests, list(prompts.values()))

        def decode(part: Sequence[Request]) -> list[str | None]:
            rows = [prompts[text] for _, text in part]
            if length:
                return self._decode(self._behind(rows, [sha for sha, _ in part], features, length))
            inputs = self._pad(rows)
            inputs["mm_encoder_outputs"] = {"image": self._shared([features[sha] for sha, _ in part])}
            return self._decode(inputs)

        sizes = [(len(prompts[text]["input_ids"]), text, sha) for sha, text in requests]
        keys: Sequence[Key] = [(sha, size, text) for size, text, sha in sizes] if length else sizes
        for batch in chunks(keys, self._batch_size):
            part = [requests[k] for k in batch]
            answers |= dict(zip(part, self._halving(part, decode), strict=True))
        return answers

    def _shared_length(self, requests: Sequence[Request], rows: Sequence[Mapping[str, list[int]]]) -> int:
        """Return how many tokens of a prompt are computed once for an image; 0 = none, each question has its own."""
        if len(requests) < 2 * len({sha for sha, _ in requests}):
            return 0
        length = self._prompter.shared_tokens(rows)
        text = self._model.config.get_text_config()
        if set(getattr(text, "layer_types", None) or ()) - ATTENDING:
            return 0  # a state that runs along the text has no keys and values to take apart
        window = getattr(text, "sliding_window", None)
        longest = max(len(row["input_ids"]) for row in rows) + self._generation.max_new_tokens
        # In a window that moves, padding between the tokens would push others out of it.
        return length if length >= LEAST_SHARED and (window is None or longest <= window) else 0

    def _behind(
        self, rows: Sequence[Mapping[str, list[int]]], shas: Sequence[str], features: Mapping[str, torch.Tensor],
        length: int,
    ) -> dict[str, Any]:  # fmt: skip
        """Return inputs whose first `length` tokens are keys and values already, computed once for each image."""
        images = list(dict.fromkeys(shas))
        ahead = self._pad([{name: ids[:length] for name, ids in rows[0].items()}] * len(images))
        ahead["mm_encoder_outputs"] = {"image": self._shared([features[sha] for sha in images])}
        model: Any = self._model
        cache = model(**ahead, use_cache=True, logits_to_keep=1).past_key_values
        cache.batch_select_indices(torch.tensor([images.index(sha) for sha in shas], device=model.device))
        return {**self._pad(rows, length), "past_key_values": cache}

    def _halving(
        self, part: Sequence[Request], decode: Callable[[Sequence[Request]], list[str | None]]
    ) -> list[str | None]:
        """Decode a batch, in halves if the device has not enough memory for the whole."""
        try:
            return decode(part)
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
        # Outside of the except, where the traceback would hold what is to be freed.
        half = self._halve(len(part))
        if len(part) == 1:
            return [None]  # no answer was got; those to other questions are not lost for it
        return [*self._halving(part[:half], decode), *self._halving(part[half:], decode)]

    def _encode(self, images: Mapping[str, Image.Image]) -> dict[str, torch.Tensor] | None:
        """Encode images, fewer at a time if the device has not enough memory."""
        while True:
            size = self._batch_size
            try:
                return self._features.encode(images, size)
            except RuntimeError as error:
                if size == 1 or not is_out_of_memory(error):
                    raise
            self._halve(size)

    def _halve(self, size: int) -> int:
        """Free memory, remember that half of `size` is the most from now on, say so once, and return it."""
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        half = (size + 1) // 2
        if not self._halved:
            LOG.warning("%s: not enough memory for %d questions at a time, so fewer are asked", self.id, size)
        self._batch_size, self._halved = min(self._batch_size, half), True
        return half

    def _answer_processed(self, named: Mapping[str, Image.Image], requests: list[Request]) -> dict[Request, str | None]:
        answers: dict[Request, str | None] = {}
        for batch in chunks([(len(text), text, sha) for sha, text in requests], self._batch_size):
            part = [requests[k] for k in batch]
            done = self._halving(part, lambda some: self._decode(self._processed(named, some)))
            answers |= dict(zip(part, done, strict=True))
        return answers

    def _decode(self, inputs: dict[str, Any]) -> list[str | None]:
        made: Any = self._model.generate(**inputs, return_dict_in_generate=True)  # type: ignore[operator]
        return list(self._texts(made, inputs["input_ids"].shape[1]))

    def _texts(self, made: Any, length: int) -> list[str]:  # noqa: ANN401 - what `generate` gives
        tokens = made.sequences[:, length:]  # (B, T)
        return [text.strip() for text in self._tokenizer.batch_decode(tokens, skip_special_tokens=True)]

    def _pad(self, rows: Sequence[Mapping[str, list[int]]], place: int = 0) -> dict[str, Any]:
        """Return rows of one length; what is missing is filled up behind the first `place` tokens."""
        width = max(len(row["input_ids"]) for row in rows)
        masked = [{**row, "attention_mask": [1] * len(row["input_ids"])} for row in rows]
        fill = {"input_ids": self._tokenizer.pad_token_id}
        padded = {
            name: [row[name][:place] + [fill.get(name, 0)] * (width - len(row[name])) + row[name][place:]
                   for row in masked]
            for name in masked[0]
        }  # fmt: skip
        return {name: torch.tensor(value, device=self._model.device) for name, value in padded.items()}  # (B, T)

    def _shared(self, rows: list[torch.Tensor]) -> BaseModelOutputWithPooling:
        pooled: Any = torch.stack(rows) if self._features.stacked else rows  # declared a tensor, and often a list
        return BaseModelOutputWithPooling(pooler_output=pooled)

    def _processed(self, named: Mapping[str, Image.Image], part: Sequence[Request]) -> dict[str, Any]:
        """Return the inputs as the processor makes them, for models whose parts cannot be shared."""
        texts = [self._prompter.render(text) for _, text in part]
        inputs = self._processor(
            text=texts,
            images=[[named[sha]] for sha, _ in part],
            padding=True,
            return_tensors="pt",
            **self._prompter.text_options(texts[0]),
        )
        inputs.pop("labels", None)  # PaliGemma's processor makes them for training
        floats = self._model.dtype
        return {
            name: value.to(self._model.device, floats if value.is_floating_point() else None)
            for name, value in inputs.items()
        }


def _requests(
    images: Sequence[Image.Image], questions: Sequence[str], keep_lines: bool
) -> tuple[dict[str, Image.Image], list[Request]]:
    """Name the images by content, and fold white space in the questions unless lines are to be kept."""
    if len(images) != len(questions):
        raise ValueError(f"got {len(images)} images and {len(questions)} questions: one question per image")
    by_object = {id(image): image for image in images}  # hashing pixels costs more than asking who is who
    shas = {key: image_sha(image) for key, image in by_object.items()}
    named = {shas[key]: image if image.mode == "RGB" else image.convert("RGB") for key, image in by_object.items()}
    folded = list(questions) if keep_lines else [" ".join(question.split()) for question in questions]
    return named, [(shas[id(image)], text) for image, text in zip(images, folded, strict=True)]
