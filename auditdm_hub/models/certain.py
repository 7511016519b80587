"""A model that answers where it is certain, and else not at all."""

from typing import Any

import torch

from auditdm_hub.models.transformers_vlm import TransformersVLM


class CertainVLM(TransformersVLM):
    """Answers as `TransformersVLM` does, where the answer has at least a given probability.

    That is the product over the tokens of the answer, its end included. Confident answers of a language model are right
    more often; how much more, differs from model to model, so the probability is one to be chosen.
    """

    def __init__(self, *parts: Any, certainty: float, **options: Any) -> None:  # noqa: ANN401 - those of TransformersVLM
        """Wrap a loaded model; `load(..., certainty=0.95)` is the usual way."""
        super().__init__(*parts, **options)
        self.decoding += f", certainty {certainty:g}"
        self._certainty = certainty

    def _decode(self, inputs: dict[str, Any]) -> list[str | None]:
        length = inputs["input_ids"].shape[1]
        model: Any = self._model
        made = model.generate(**inputs, return_dict_in_generate=True, output_scores=True)
        logs = model.compute_transition_scores(made.sequences, made.scores, normalize_logits=True)  # (B, T)
        tokens = made.sequences[:, length:]
        ends = torch.isin(tokens, torch.tensor(model.generation_config.eos_token_id, device=tokens.device))
        counted = (ends.cumsum(1) - ends.int()) == 0  # up to the first end, and with it
        sure = (logs.masked_fill(~counted, 0.0).sum(1).exp() >= self._certainty).tolist()
        return [text if known else None for text, known in zip(self._texts(made, length), sure, strict=True)]
