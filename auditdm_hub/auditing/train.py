"""Train an auditor: GRPO with a LoRA adapter on the language model, by TRL.

1. The data set has one row per (image, action, wish), so that all completions of a group were asked for the same
   thing: what `Curriculum` plans, for exactly the steps that are asked for.
2. Each step samples `num_generations` texts for each of `prompts_per_step` rows; `AuditReward` asks and scores them.
3. The advantage of a text is its reward less the mean of its group, over the standard deviation (`scale_rewards`);
   AdamW follows the loss that `loss_type` names. The vision tower and its projector stay as they are.
4. Every `save_steps` a checkpoint is written and sealed, with the optimiser, the random state and the reward's archive:
   a run that is killed and resumed ends with the same bytes as one that was not.

Section 3.3 of arXiv 2512.16921; its settings are 1,000 steps of 256 texts, learning rate 3e-6 after 10% warm-up, cosine
to 1e-6. LoRA, the group size and the archive are ours. `auditdm-hub audit` runs this.

    out_dir/checkpoints/checkpoint-N/   what is needed to go on
            log.jsonl                   one line per step: loss, reward, its components, seconds of each part, memory
            adapter/                    the result, complete if it is there
"""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from PIL.Image import Image

from auditdm_hub.auditing.checkpoints import latest_intact, step_of
from auditdm_hub.auditing.curriculum import Curriculum
from auditdm_hub.auditing.prompts import AuditorPrompts
from auditdm_hub.auditing.reward import AuditReward
from auditdm_hub.clock import part, running
from auditdm_hub.errors import ModelError
from auditdm_hub.models.loading import Loading, is_out_of_memory
from auditdm_hub.models.one_device import on_one_device
from auditdm_hub.models.quiet import quiet_libraries

if TYPE_CHECKING:
    from datasets import Dataset
    from trl.trainer.grpo_config import GRPOConfig
    from trl.trainer.grpo_trainer import GRPOTrainer

    from auditdm_hub.models.shared import SharedBase

# Names of the parts that see or hear in Gemma 3 and 4, LLaVA, Idefics3, SmolVLM, InternVL and Qwen-VL: "all-linear"
# would adapt them too.
VISION_PARTS = (
    r".*(vision_tower|vision_model|visual|multi_modal_projector|connector|audio_tower|embed_vision|embed_audio).*"
)
MICRO_BATCH = {"cpu": 64, "cuda": 8, "mps": 8}
SCHEDULERS = {"cosine": "cosine_with_min_lr", "linear": "linear", "constant": "constant_with_warmup"}
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class TrainingSettings:
    """How to train. The defaults are those of the paper where it has any (ours: group size, LoRA, tokens, saving)."""

    steps: int = 1000
    learning_rate: float = 3e-6
    min_learning_rate: float = 1e-6  # of the cosine scheduler
    warmup_ratio: float = 0.1
    scheduler: Literal["cosine", "linear", "constant"] = "cosine"
    num_generations: int = 8
    prompts_per_step: int = 32
    temperature: float = 1.0
    beta: float = 0.0
    lora_rank: int = 64
    lora_alpha: int = 128
    max_completion_length: int = 128
    save_steps: int = 50
    loss_type: str = "grpo"
    scale_rewards: str = "group"
    entropy_target: float = 0.0  # nats per token; 0 = no entropy bonus
    micro_batch: int = 0  # texts per forward and backward pass on a device; 0 = as `MICRO_BATCH` has it
    seed: int = 0
    device: str = "cpu"
    report_to: str = "none"


@dataclass(frozen=True, slots=True)
class TrainingData:
    """What the auditor is shown: the rows, the images and the prompts."""

    curriculum: Curriculum
    images: Callable[[str], Image]
    prompts: AuditorPrompts


def train_auditor(
    base: "str | SharedBase",
    data: TrainingData,
    reward: AuditReward,
    settings: TrainingSettings,
    out_dir: Path,
    resume: bool = False,
    progress: Progress | None = None,
) -> Path:
    """Train an adapter for the auditor `base` and return its folder.

    Args:
        base: name or folder of a chat model that sees images, or one that others use too, who do without the adapter.
        data: what to train on.
        reward: scores the texts.
        settings: how to train.
        out_dir: where to write; see the head of this module.
        resume: go on from the latest intact checkpoint, if there is one; otherwise what is there is removed.
        progress: is told (steps done, steps in all).

    Raises:
        ModelError: the base cannot be an auditor, the loss is no longer a number, or no answers come.
        ValueError: the settings contradict each other, or there is nothing to train on.
    """
    from auditdm_hub.auditing.watch import TrainingWatch, restore_reward, trim_log, write_adapter

    adapter, checkpoints, log = out_dir / "adapter", out_dir / "checkpoints", out_dir / "log.jsonl"
    if resume and adapter.is_dir():
        return adapter
    first = os.environ.get("RANK", "0") == "0"  # of the processes that torchrun started
    checkpoint = latest_intact(checkpoints, prune=first) if resume else None
    if first:
        for old in () if resume else (adapter, checkpoints):
            shutil.rmtree(old, ignore_errors=True)
        trim_log(log, step_of(checkpoint) if checkpoint else 0)
    with quiet_libraries(), running() as seconds:
        trainer = _trainer(base, data, reward, settings, checkpoints)
        trainer.add_callback(TrainingWatch(log, reward, progress, seconds))
        if trainer.accelerator.num_processes > 1:
            from accelerate.utils import gather_object  # type: ignore[import-untyped]

            reward.gather = gather_object
        if checkpoint:
            restore_reward(checkpoint, reward)
        try:
            trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        except RuntimeError as error:
            if why := _why_it_stopped(error):
                raise ModelError(f"training stopped after step {trainer.state.global_step}: {why}") from error
            raise
        if trainer.is_world_process_zero():
            write_adapter(trainer, adapter)
        if not isinstance(base, str):
            base.strip()
    return adapter


def _why_it_stopped(error: RuntimeError) -> str:
    """Return what to say of an error that a training can meet; "" of any other."""
    from auditdm_hub.auditing.watch import REMEDY

    if is_out_of_memory(error):
        return (
            "the device has not enough memory; set a smaller training.micro_batch in a new configuration, or take a "
            "smaller auditor"
        )
    sampled_from_nan = "probability tensor" in str(error)
    return f"the auditor's probabilities are no numbers; {REMEDY}" if sampled_from_nan else ""


def _trainer(
    base: "str | SharedBase", data: TrainingData, reward: AuditReward, settings: TrainingSettings, checkpoints: Path
) -> "GRPOTrainer":
    from peft import LoraConfig
    from transformers import PrinterCallback
    from trl.trainer.grpo_trainer import GRPOTrainer

    from auditdm_hub.models.transformers_auditor import load_chat_model

    local = os.environ.get("LOCAL_RANK")
    device = f"cuda:{local}" if local and settings.device == "cuda" else settings.device
    model, processor, _ = load_chat_model(base, Loading(device))
    model.generate = _timed(type(model).generate.__get__(model))
    lora = LoraConfig(
        r=settings.lora_rank,
        lora_alpha=settings.lora_alpha,
        lora_dropout=0.0,
        target_modules="all-linear",
        exclude_modules=VISION_PARTS,
        task_type="CAUSAL_LM",
    )
    trainer = GRPOTrainer(
        model=model,
        args=on_one_device(grpo_config(settings, model.device.type, checkpoints), model.device),
        reward_funcs=[reward],
        train_dataset=_dataset(data, settings),
        processing_class=processor,
        peft_config=lora,
    )
    trainer.remove_callback(PrinterCallback)  # what transformers takes when its progress bar is off
    return trainer


def _timed(generate: Callable[..., Any]) -> Callable[..., Any]:
    def decode(*args: Any, **options: Any) -> Any:  # noqa: ANN401 - as `generate` of transformers
        with part("decode", inner=False):  # a shared model answers by the same function
            return generate(*args, **options)

    return decode


def grpo_config(settings: TrainingSettings, device: str, checkpoints: Path) -> "GRPOConfig":
    """Return TRL's configuration for settings.

    Raises:
        ValueError: the batch cannot be shared out over the processes, or holds less than a group.
    """
    from trl.trainer.grpo_config import GRPOConfig

    processes = int(os.environ.get("WORLD_SIZE", "1"))
    micro, accumulate = micro_batch(settings, device, processes)
    on_gpu = device == "cuda"
    return GRPOConfig(
        output_dir=str(checkpoints),
        max_steps=settings.steps,
        learning_rate=settings.learning_rate,
        lr_scheduler_type=SCHEDULERS[settings.scheduler],
        lr_scheduler_kwargs={"min_lr": settings.min_learning_rate} if settings.scheduler == "cosine" else None,
        warmup_steps=round(settings.warmup_ratio * settings.steps),
        per_device_train_batch_size=micro,
        gradient_accumulation_steps=accumulate,
        num_generations=settings.num_generations,
        max_completion_length=settings.max_completion_length,
        temperature=settings.temperature,
        beta=settings.beta,
        loss_type=settings.loss_type,
        scale_rewards=settings.scale_rewards,
        use_adaptive_entropy=settings.entropy_target > 0,
        entropy_target=settings.entropy_target or 0.2,  # TRL wants one even where it is not used
        shuffle_dataset=False,  # the rows are in their final order
        save_steps=settings.save_steps,
        save_total_limit=2,
        logging_steps=1,
        logging_nan_inf_filter=False,  # a loss that is no number must be seen
        report_to=settings.report_to,
        disable_tqdm=True,
        seed=settings.seed,
        use_cpu=device == "cpu",
        bf16=on_gpu,
        activation_checkpointing=on_gpu,
        dataloader_pin_memory=on_gpu,
        ddp_find_unused_parameters=False,  # every row has an image
    )


def micro_batch(settings: TrainingSettings, device: str, processes: int) -> tuple[int, int]:
    """Return texts per forward pass and passes per step, for each process.

    Whole groups stay in one process, because the reward counts duplicates within a group.

    Raises:
        ValueError: there is no such split.
    """
    if settings.prompts_per_step % processes:
        raise ValueError(
            f"prompts_per_step must be a multiple of the number of processes, got {settings.prompts_per_step} for "
            f"{processes}"
        )
    texts = settings.prompts_per_step // processes * settings.num_generations
    limit = settings.micro_batch or MICRO_BATCH.get(device, 8)
    micro = max(size for size in range(1, min(limit, texts) + 1) if texts % size == 0)
    return micro, texts // micro


def _dataset(data: TrainingData, settings: TrainingSettings) -> "Dataset":
    """Return the rows; images are decoded when they are needed, prompts rendered likewise."""
    from datasets import Dataset

    count = settings.steps * settings.prompts_per_step

    def render(batch: dict[str, list[Any]]) -> dict[str, list[Any]]:
        rows = [data.curriculum.row(index) for index in batch["row"]]
        return {
            "seed_id": [row.seed.id for row in rows],
            "action": [row.action for row in rows],
            "theme": [row.theme for row in rows],
            "wish": [row.wish for row in rows],
            "prompt": [data.prompts.messages(row.action, row.seed.question, row.wish or None) for row in rows],
            "image": [data.images(row.seed.image_sha) for row in rows],
        }

    return Dataset.from_dict({"row": list(range(count))}).with_transform(render)
