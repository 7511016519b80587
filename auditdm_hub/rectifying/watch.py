"""What happens beside the fine-tuning: log, progress, sealed checkpoints, and a stop when the loss is no number."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from auditdm_hub.auditing.checkpoints import seal
from auditdm_hub.errors import ModelError

MODEL_CARD = "README.md"
REMEDY = "nothing was written over; start again with a smaller learning rate"


class TuningWatch(TrainerCallback):
    """Writes log.jsonl, tells the progress, and seals each checkpoint."""

    def __init__(self, log: Path, progress: Callable[[int, int], None] | None) -> None:
        """Watch a training that logs to the file `log`."""
        self._log, self._progress = log, progress

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: object
    ) -> None:
        """Tell the progress."""
        if self._progress is not None:
            self._progress(state.global_step, state.max_steps)

    def on_log(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: object) -> None:
        """Append a line to the log; stop if a figure is no number."""
        logs = cast(dict[str, Any], kwargs.get("logs") or {})
        if "train_runtime" in logs:
            return
        broken = [name for name in ("loss", "grad_norm", "eval_loss") if not math.isfinite(logs.get(name) or 0.0)]
        if broken:
            raise ModelError(
                f"fine-tuning stopped at step {state.global_step}: {broken[0]} is {logs[broken[0]]}; {REMEDY}"
            )
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("a") as file:
            file.write(json.dumps({"step": state.global_step, **logs}) + "\n")

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: object) -> None:
        """Seal the checkpoint that was just written."""
        folder = Path(str(args.output_dir))
        checkpoint = folder / f"checkpoint-{state.global_step}"
        for card in (folder / MODEL_CARD, checkpoint / MODEL_CARD):
            card.unlink(missing_ok=True)
        seal(checkpoint)
