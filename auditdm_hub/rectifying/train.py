"""Fine-tune a target with a LoRA adapter, by TRL's SFTTrainer, on the answer alone.

1. The language model's linear layers are adapted; vision tower and projector stay as they are unless that is asked for.
2. After each `eval_steps` the loss on held-out images is measured; training ends when it has not improved `patience`
   times in a row, and the best checkpoint is what is kept.
3. Checkpoints are sealed, so a run that was killed goes on from the last whole one and ends with the same bytes.

    out_dir/checkpoints/checkpoint-N/   what is needed to go on
            log.jsonl                   one line per logged step
            adapter/                    the result, complete if it is there
"""

import gc
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from PIL.Image import Image

from auditdm_hub.auditing.checkpoints import latest_intact, step_of
from auditdm_hub.auditing.train import VISION_PARTS
from auditdm_hub.auditing.watch import trim_log, write_adapter
from auditdm_hub.models.one_device import on_one_device
from auditdm_hub.models.quiet import quiet_libraries
from auditdm_hub.models.spec import ModelSpec
from auditdm_hub.rectifying.examples import Example

if TYPE_CHECKING:
    from trl.trainer.sft_config import SFTConfig
    from trl.trainer.sft_trainer import SFTTrainer

Targets = Literal["language", "language and projector", "all"]
Progress = Callable[[int, int], None]
PROJECTOR_KEPT = r".*(vision_tower|vision_model|visual|audio_tower).*"
EXCLUDED: dict[Targets, str | None] = {
    "language": VISION_PARTS, "language and projector": PROJECTOR_KEPT, "all": None
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class TuningSettings:
    """How to fine-tune. `steps` of `batch_size` rows at most; `patience` = evaluations without a better loss."""

    steps: int = 600
    batch_size: int = 32
    micro_batch: int = 0  # rows per forward and backward pass; 0 = the batch on a CPU, 4 on a GPU
    learning_rate: float = 2e-4
    warmup_ratio: float = 0.05
    lora_rank: int = 32
    lora_alpha: int = 64
    lora_dropout: float = 0.0
    adapt: Targets = "language"
    four_bit: bool = False  # the base's weights, while it is trained
    eval_steps: int = 50
    patience: int = 4
    seed: int = 0
    device: str = "auto"


def tune(
    base: ModelSpec,
    data: tuple[Sequence[Example], Sequence[Example]],
    images: Callable[[str], Image],
    settings: TuningSettings,
    out_dir: Path,
    resume: bool = False,
    progress: Progress | None = None,
) -> Path:
    """Train an adapter for `base` and return its folder.

    Args:
        base: the model that is repaired; it is trained with the prompts with which it is asked.
        data: rows to train on, and rows to tell when to stop (may be empty).
        images: returns an image by its hash.
        settings: how to train.
        out_dir: where to write; see the head of this module.
        resume: go on from the latest intact checkpoint; otherwise what is there is removed.
        progress: is told (steps done, steps in all).

    Raises:
        ModelError: the base cannot be loaded, or the loss is no longer a number.
    """
    from auditdm_hub.rectifying.watch import TuningWatch

    adapter, checkpoints, log = out_dir / "adapter", out_dir / "checkpoints", out_dir / "log.jsonl"
    if resume and adapter.is_dir():
        return adapter
    checkpoint = latest_intact(checkpoints) if resume else None
    for old in () if resume else (adapter, checkpoints):
        shutil.rmtree(old, ignore_errors=True)
    trim_log(log, step_of(checkpoint) if checkpoint else 0)
    with quiet_libraries():
        trainer = _trainer(base, data, images, settings, checkpoints)
        trainer.add_callback(TuningWatch(log, progress))
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        write_adapter(trainer, adapter)
    del trainer
    gc.collect()  # it refers to itself, and would keep its model beside those that are asked next
    shutil.rmtree(checkpoints, ignore_errors=True)
    return adapter


def _trainer(
    base: ModelSpec, data: tuple[Sequence[Example], Sequence[Example]], images: Callable[[str], Image],
    settings: TuningSettings, checkpoints: Path,
) -> "SFTTrainer":  # fmt: skip
    from peft import LoraConfig, prepare_model_for_kbit_training
    from transformers import EarlyStoppingCallback, PrinterCallback

    from auditdm_hub.models.loading import load_parts
    from auditdm_hub.models.prompting import Prompter, template_of
    from auditdm_hub.rectifying.collate import Collator
    from auditdm_hub.rectifying.trainer import AnswerTrainer

    how = base.on(settings.device).how
    how = replace(how, bits=4 if settings.four_bit else how.bits)  # what the audit held in few bits fits in no more
    model, processor, _ = load_parts(base.name, how)
    if how.bits:
        model = prepare_model_for_kbit_training(model, use_gradient_checkpointing=model.device.type == "cuda")
    lora = LoraConfig(
        r=settings.lora_rank, lora_alpha=settings.lora_alpha, lora_dropout=settings.lora_dropout,
        target_modules="all-linear", exclude_modules=EXCLUDED[settings.adapt], task_type="CAUSAL_LM",
    )  # fmt: skip
    prompter = Prompter(processor, model.config.model_type, template_of(model.config, base.answer_prompt))
    train, held = (_dataset(rows) for rows in data)
    trainer = AnswerTrainer(
        model=model,
        args=on_one_device(sft_config(settings, model.device.type, checkpoints, bool(data[1])), model.device),
        data_collator=Collator(processor, prompter, images),
        train_dataset=train,
        eval_dataset=held if data[1] else None,
        processing_class=processor,
        peft_config=lora,
    )
    trainer.remove_callback(PrinterCallback)
    if data[1]:
        trainer.add_callback(EarlyStoppingCallback(settings.patience))
    return trainer


def sft_config(settings: TuningSettings, device: str, checkpoints: Path, held_out: bool) -> "SFTConfig":
    """Return TRL's configuration for settings."""
    from trl.trainer.sft_config import SFTConfig

    on_gpu = device == "cuda"
    micro = settings.micro_batch or (4 if on_gpu else settings.batch_size)
    micro = max(size for size in range(1, min(micro, settings.batch_size) + 1) if settings.batch_size % size == 0)
    return SFTConfig(
        output_dir=str(checkpoints),
        max_steps=settings.steps,
        learning_rate=settings.learning_rate,
        lr_scheduler_type="cosine",
        warmup_steps=round(settings.warmup_ratio * settings.steps),
        per_device_train_batch_size=micro,
        per_device_eval_batch_size=micro,
        gradient_accumulation_steps=settings.batch_size // micro,
        max_length=None,
        completion_only_loss=False,  # the collator says what is scored
        dataset_kwargs={"skip_prepare_dataset": True},
        remove_unused_columns=False,
        eval_strategy="steps" if held_out else "no",
        eval_steps=settings.eval_steps if held_out else None,
        load_best_model_at_end=held_out,
        metric_for_best_model="eval_loss" if held_out else None,
        greater_is_better=False if held_out else None,
        save_steps=settings.eval_steps,
        save_total_limit=2,
        logging_steps=1,
        logging_nan_inf_filter=False,
        report_to="none",
        disable_tqdm=True,
        seed=settings.seed,
        use_cpu=device == "cpu",
        bf16=on_gpu,
        activation_checkpointing=on_gpu,
        dataloader_pin_memory=on_gpu,
    )


def _dataset(rows: Sequence[Example]) -> Any:  # noqa: ANN401 - datasets is untyped
    from datasets import Dataset

    names = ("image_sha", "question", "label")
    return Dataset.from_dict({name: [getattr(row, name) for row in rows] for name in names})
