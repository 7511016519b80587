"""What happens beside the training: log, progress, sealed checkpoints, and a stop when the loss is no number."""

import json
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from auditdm_hub.atomic import atomic_folder, atomic_write_json, atomic_write_text
from auditdm_hub.auditing.checkpoints import seal
from auditdm_hub.auditing.reward import AuditReward
from auditdm_hub.clock import Seconds, memory_high_water
from auditdm_hub.errors import ModelError

if TYPE_CHECKING:
    import torch
    from trl.trainer.grpo_trainer import GRPOTrainer
    from trl.trainer.sft_trainer import SFTTrainer

REWARD_STATE = "reward.json"
PARTS = ("decode", "image", "target", "reference", "judge", "update")
"""Of a step: the auditor writes, pictures are made, models are asked, answers compared; the rest is the update."""
MODEL_CARD = "README.md"  # TRL and peft write one at each checkpoint; it describes a text model without a licence

REMEDY = (
    "the checkpoints before it are good: continue with --resume, or start again with a smaller training.learning_rate"
)


class Watch(TrainerCallback):
    """Writes log.jsonl, tells the progress, and seals each checkpoint; stops where a figure is no number."""

    what = "training"
    remedy = REMEDY
    figures: tuple[str, ...] = ("loss",)
    """What a line of the log holds, at least one of them."""

    def __init__(self, log: Path, progress: Callable[[int, int], None] | None) -> None:
        """Watch a training that logs to the file `log`."""
        self._log = log
        self._progress = progress

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: object
    ) -> None:
        """Tell the progress."""
        if self._progress is not None and state.is_world_process_zero:
            self._progress(state.global_step, state.max_steps)

    def on_log(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: object) -> None:
        """Append a line to the log; stop before a checkpoint is written if a figure is no number."""
        logs = cast(dict[str, Any], kwargs.get("logs") or {})
        if not any(name in logs for name in self.figures):  # the summary at the end
            return
        broken = [name for name in (*self.figures, "grad_norm") if not math.isfinite(logs.get(name) or 0.0)]
        if broken:
            raise self._stopped(state, f"{broken[0]} is {logs[broken[0]]}")
        if state.is_world_process_zero:
            self._log.parent.mkdir(parents=True, exist_ok=True)
            with self._log.open("a") as file:
                told = {name: value for name, value in logs.items() if value is not None}  # of rows that were not paid
                file.write(json.dumps({"step": state.global_step, **told}) + "\n")

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: object) -> None:
        """Complete the checkpoint that was just written, and seal it."""
        if not state.is_world_process_zero:
            return
        model = cast("torch.nn.Module", kwargs["model"])
        if not all(bool(weight.isfinite().all()) for weight in model.parameters() if weight.requires_grad):
            raise self._stopped(state, "the adapter holds values that are no numbers")
        folder = Path(str(args.output_dir))
        checkpoint = folder / f"checkpoint-{state.global_step}"
        self._complete(checkpoint)
        for card in (folder / MODEL_CARD, checkpoint / MODEL_CARD):
            card.unlink(missing_ok=True)
        seal(checkpoint)

    def _complete(self, checkpoint: Path) -> None:
        """Add to a checkpoint what else is needed to go on."""

    def _stopped(self, state: TrainerState, why: str) -> ModelError:
        return ModelError(f"{self.what} stopped at step {state.global_step}: {why}; {self.remedy}")


class TrainingWatch(Watch):
    """Watches the training of an auditor, whose checkpoints hold the state of its reward, too."""

    def __init__(
        self, log: Path, reward: AuditReward, progress: Callable[[int, int], None] | None, seconds: Seconds
    ) -> None:
        """Watch a training that logs to the file `log`; `seconds` is the clock that runs meanwhile."""
        super().__init__(log, progress)
        self._reward, self._seconds, self._begun = reward, seconds, 0.0

    def on_step_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: object
    ) -> None:
        """Start the time of a step."""
        self._seconds.clear()
        self._begun = time.perf_counter()

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: object
    ) -> None:
        """Count what is no other part of the step as the update."""
        super().on_step_end(args, state, control, **kwargs)
        self._seconds["update"] = time.perf_counter() - self._begun - self._seconds.total()  # type: ignore[assignment]

    def on_log(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: object) -> None:
        """Add to the line of a step what its parts took, and the most memory."""
        logs = cast(dict[str, Any], kwargs.get("logs") or {})
        if any(name in logs for name in self.figures):
            logs |= {f"seconds.{name}": self._seconds[name] for name in PARTS}
            logs |= {f"memory.{name}": most for name, most in memory_high_water(args.device.type).items()}
        super().on_log(args, state, control, **{**kwargs, "logs": logs})

    def _complete(self, checkpoint: Path) -> None:
        atomic_write_json(checkpoint / REWARD_STATE, self._reward.state())


def restore_reward(checkpoint: Path, reward: AuditReward) -> None:
    """Give the reward the state that it had at the checkpoint."""
    reward.restore(json.loads((checkpoint / REWARD_STATE).read_text()))


def trim_log(log: Path, step: int) -> None:
    """Remove the lines after `step`, which training will write again, and a last line that was cut off."""
    if not log.exists():
        return
    kept = []
    for line in log.read_text().splitlines():
        try:
            done = json.loads(line)["step"]
        except ValueError:
            break
        if done <= step:
            kept.append(line)
    atomic_write_text(log, "".join(f"{line}\n" for line in kept))


def write_adapter(trainer: "GRPOTrainer | SFTTrainer", folder: Path) -> None:
    """Write the adapter, all or nothing, without peft's model card and with the same bytes for the same weights."""
    with atomic_folder(folder) as new:
        trainer.accelerator.unwrap_model(trainer.model).save_pretrained(str(new))
        (new / MODEL_CARD).unlink(missing_ok=True)
        config = json.loads((new / "adapter_config.json").read_text())
        config["target_modules"] = sorted(config["target_modules"])  # peft writes a set, in the order of the process
        atomic_write_json(new / "adapter_config.json", dict(sorted(config.items())))
