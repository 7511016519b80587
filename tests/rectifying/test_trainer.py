"""The loss that looks at the answers only is TRL's loss."""

from pathlib import Path

import pytest
import torch
from datasets import Dataset
from trl.trainer.sft_trainer import SFTTrainer

from auditdm_hub.models.loading import Loading, load_parts
from auditdm_hub.models.prompting import Prompter
from auditdm_hub.models.quiet import quiet_libraries
from auditdm_hub.playground.backends import pictures
from auditdm_hub.playground.models import AUDITOR, HOLDOUT, REFERENCES, TARGET, model_folder
from auditdm_hub.rectifying.collate import Collator
from auditdm_hub.rectifying.train import TuningSettings, sft_config
from auditdm_hub.rectifying.trainer import AnswerTrainer

LABELS = ("purple", "4", "left", "unanswerable")


@pytest.mark.parametrize("role", [TARGET, AUDITOR, HOLDOUT, *REFERENCES])
def test_loss_and_gradients_are_those_of_trl(role: str, tmp_path: Path) -> None:
    with quiet_libraries():
        model, processor, _ = load_parts(str(model_folder(role)), Loading("cpu"))
    pool = list(pictures(8, 3))
    images = {str(number): image for number, (image, _, _) in enumerate(pool)}
    template = getattr(model.config, "auditdm_prompt_template", None) or "{question}"
    collate = Collator(processor, Prompter(processor, model.config.model_type, template), images.__getitem__)
    rows = [
        {"image_sha": str(number), "question": question, "label": LABELS[number % 4]}
        for number, (_, _, question) in enumerate(pool)
    ]
    batch = collate(rows)
    found = []
    for trainer_class in (SFTTrainer, AnswerTrainer):
        trainer = trainer_class(
            model=model, args=sft_config(TuningSettings(device="cpu"), "cpu", tmp_path, False), data_collator=collate,
            train_dataset=Dataset.from_list(rows), processing_class=processor,
        )  # fmt: skip
        model.zero_grad()
        loss = trainer.compute_loss(model, dict(batch), num_items_in_batch=None)
        loss.backward()
        gradients = [weight.grad.clone() for weight in model.parameters() if weight.grad is not None]
        found.append((loss.detach(), gradients))
    (one, first), (two, second) = found
    torch.testing.assert_close(one, two)
    assert len(first) == len(second) > 10
    for left, right in zip(first, second, strict=True):
        torch.testing.assert_close(left, right, atol=1e-5, rtol=1e-4)
