"""A model that fails on batch after batch ends the audit: to go on without it would change what the consensus is."""

from collections.abc import Sequence

from PIL.Image import Image

from auditdm_hub.errors import FAULTS, ModelError, first_line
from auditdm_hub.protocols import VisionLanguageModel

PATIENCE = 5
"""Batches in a row that may fail."""


class WatchedVLM:
    """Counts the batches of a model that fail one after the other."""

    def __init__(self, model: VisionLanguageModel, patience: int = PATIENCE) -> None:
        """Wrap a model; with its `patience`-th failure in a row the audit ends, to be resumed."""
        self._model, self._patience, self._failed = model, patience, 0
        self.id, self.family = model.id, model.family

    def answer(self, images: Sequence[Image], questions: Sequence[str]) -> list[str | None]:
        """Answer as the model does.

        Raises:
            ModelError: it failed on so many batches in a row.
        """
        try:
            answers = self._model.answer(images, questions)
        except FAULTS as error:
            self._failed += 1
            if self._failed < self._patience:
                raise
            raise ModelError(
                f"{self.id} failed on {self._failed} batches in a row ({first_line(error)}): see why, then continue "
                "with --resume"
            ) from error
        self._failed = 0
        return answers
