"""A model with a limit on how long a batch may take: one that hangs must not hang the audit.

A batch that is late counts as not answered. A model that is late several times in a row ends the audit, which can be
resumed: to go on without it would change what the consensus is made of.
"""

import multiprocessing
from collections.abc import Sequence
from multiprocessing.pool import ThreadPool

from PIL.Image import Image

from auditdm_hub.errors import ModelError
from auditdm_hub.protocols import VisionLanguageModel

PATIENCE = 3


class TimedVLM:
    """Gives a model `seconds` for each batch. The thread of a late batch is left behind; it ends with the process."""

    def __init__(self, model: VisionLanguageModel, seconds: float, patience: int = PATIENCE) -> None:
        """Wrap a model that may be late `patience` - 1 times in a row; one that shares its weights never (1).

        The thread of a late batch would otherwise go on to switch adapters that others use.
        """
        self._model, self._seconds, self._patience = model, seconds, patience
        self._late = 0

    @property
    def id(self) -> str:
        """That of the model."""
        return self._model.id

    @property
    def family(self) -> str:
        """That of the model."""
        return self._model.family

    def answer(self, images: Sequence[Image], questions: Sequence[str]) -> list[str | None]:
        """Answer as the model does.

        Raises:
            TimeoutError: the batch is late.
            ModelError: so were the batches before it.
        """
        with ThreadPool(1) as pool:  # a daemon thread, which does not hinder the process from ending
            try:
                answers = pool.apply_async(self._model.answer, (images, questions)).get(self._seconds)
            except multiprocessing.TimeoutError:
                self._late += 1
                if self._late < self._patience:
                    raise TimeoutError(f"no answer to {len(questions)} questions in {self._seconds:g} s") from None
                late = f" {self._late} times in a row, {self._seconds:g} s each" if self._late > 1 else ""
                raise ModelError(
                    f"{self.id} did not answer{late or f' in {self._seconds:g} s'}: see whether it runs, then continue "
                    "with --resume (`answer_timeout: 0` in the configuration waits for ever)"
                ) from None
        self._late = 0
        return answers
