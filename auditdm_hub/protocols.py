"""The seams: what a model must do to take part in an audit. A user's own object needs only these methods.

All methods are batched; each output list has one item per input, in the same order.
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL.Image import Image

from auditdm_hub.records import Action, NotMade


class VisionLanguageModel(Protocol):
    """A model that answers questions on images. `id` = name@revision[+adapter]; votes are counted by `family`."""

    @property
    def id(self) -> str: ...
    @property
    def family(self) -> str: ...
    def answer(self, images: Sequence[Image], questions: Sequence[str]) -> list[str | None]:
        """Answer `questions[i]` on `images[i]`; `None` = no answer was got (a fault), never a wrong answer."""
        ...


class Auditor(Protocol):
    """A model that writes probes. The texts are unparsed: `auditdm_hub.auditing.parse` reads them."""

    @property
    def id(self) -> str: ...
    def write(
        self,
        images: Sequence[Image],
        actions: Sequence[Action],
        questions: Sequence[str],
        themes: Sequence[str | None],
        seeds: Sequence[int],
    ) -> list[str]:
        """Write one text per image. `questions[i]` is the question that a caption or an edit shall make harder."""
        ...


class ImageGenerator(Protocol):
    """Draws an image from a caption; `None` = the caption was not understood, `NotMade` = the maker failed."""

    @property
    def id(self) -> str: ...
    def generate(self, prompts: Sequence[str], seeds: Sequence[int]) -> Sequence[Image | NotMade | None]: ...


class ImageEditor(Protocol):
    """Changes an image as an instruction says.

    `None` = the instruction was not understood or cannot be done, `NotMade` = the maker failed.
    """

    @property
    def id(self) -> str: ...
    def edit(
        self, images: Sequence[Image], instructions: Sequence[str], seeds: Sequence[int]
    ) -> Sequence[Image | NotMade | None]: ...


class Judge(Protocol):
    """Decides whether two answers to a question mean the same. Voting is one function above it."""

    @property
    def id(self) -> str: ...
    def same(self, questions: Sequence[str], a: Sequence[str], b: Sequence[str]) -> Sequence[bool | None]:
        """Compare `a[i]` with `b[i]` as answers to `questions[i]`; `None` = no judgement was got (a fault)."""
        ...


class Embedder(Protocol):
    """Embeds texts."""

    @property
    def id(self) -> str: ...
    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one unit-length row per text."""  # (n, d)
        ...
