"""TRL's SFTTrainer with a loss that, away from a GPU, looks at the answers only.

Without Triton TRL scores every position of a row, and an answer is some three of forty: on a CPU that was near half of
a step. The loss is the same, the mean over the tokens of the answers.
"""

from typing import Any

import torch
from torch.nn import functional
from trl.trainer.sft_trainer import SFTTrainer

from auditdm_hub.rectifying.collate import IGNORED


class AnswerTrainer(SFTTrainer):
    """Fine-tunes on batches of which few positions have a label."""

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False,  # noqa: ANN401 - as in TRL
        num_items_in_batch: "torch.Tensor | int | None" = None,
    ) -> Any:  # fmt: skip  # noqa: ANN401
        """Return the mean loss over the tokens of the answers, in nats."""
        if return_outputs or inputs["input_ids"].device.type in ("cuda", "xpu"):
            return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)  # type: ignore[no-untyped-call]
        following = inputs["labels"][:, 1:]  # (B, T-1)
        kept = (following != IGNORED).any(0).nonzero().squeeze(1)  # (K,), positions before an answer's token in any row
        asked = {name: value for name, value in inputs.items() if name != "labels"}
        logits = model(**asked, use_cache=False, logits_to_keep=kept).logits  # (B, K, V)
        wanted = following[:, kept]
        loss = functional.cross_entropy(
            logits.float().flatten(0, 1), wanted.flatten(), ignore_index=IGNORED, reduction="sum"
        )
        return loss / ((wanted != IGNORED).sum() if num_items_in_batch is None else num_items_in_batch)
