"""Encoded images, shared by all questions on them and kept between calls as far as memory allows."""

import inspect
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import torch
from PIL import Image

from auditdm_hub.models.prompting import Processor

if TYPE_CHECKING:
    from transformers import PreTrainedModel

KEPT_BYTES = 256 * 2**20


class ImageFeatures:
    """Runs image processor and vision tower once per image.

    A model that packs its images in another way than one row per image has none: `encode` returns `None`.
    """

    def __init__(self, model: "PreTrainedModel", processor: Processor, kept_bytes: int = KEPT_BYTES) -> None:
        """Bind a model; `kept_bytes` bounds what is kept between calls."""
        self._model = model
        self._processor = processor
        self._limit = kept_bytes
        self._kept: OrderedDict[str, torch.Tensor] = OrderedDict()
        self._bytes = 0
        self._encoder = getattr(model.base_model, "get_image_features", None)
        accepted = "mm_encoder_outputs" in inspect.signature(model.forward).parameters
        self._usable = self._encoder is not None and accepted
        self._inputs = frozenset(inspect.signature(self._encoder).parameters) if self._encoder is not None else set()
        self._stacked = True

    @property
    def stacked(self) -> bool:
        """Whether this model wants the features of a batch as one tensor; else as a list."""
        return self._stacked

    def encode(self, images: Mapping[str, Image.Image], size: int) -> dict[str, torch.Tensor] | None:
        """Return the features of each image.

        Args:
            images: name of the image -> image.
            size: the most images encoded at a time.

        Returns:
            Name -> (tokens, width); `None` = this model cannot share features.
        """
        if not self._usable:
            return None
        found = {sha: self._kept[sha] for sha in images if sha in self._kept}
        # Images of different sizes are not mixed: some processors would pad them.
        missing = sorted(set(images) - set(found), key=lambda sha: (images[sha].size, sha))
        for start, stop in _runs([images[sha].size for sha in missing], size):
            part = missing[start:stop]
            rows = self._run([images[sha] for sha in part])
            if rows is None:
                self._usable = False
                return None
            found.update(zip(part, rows, strict=True))
        for sha in images:
            self._keep(sha, found[sha])
        return found

    def _run(self, images: Sequence[Image.Image]) -> list[torch.Tensor] | None:
        prepared = self._processor.image_processor(images=[[image] for image in images], return_tensors="pt")
        inputs = {name: value for name, value in prepared.items() if name in self._inputs}
        if any(len(value) != len(images) for value in inputs.values()):
            return None
        on_device = {
            name: value.to(self._model.device, self._model.dtype if value.is_floating_point() else None)
            for name, value in inputs.items()
        }
        assert self._encoder is not None
        features = self._encoder(**on_device, return_dict=True)
        pooled = features.pooler_output
        if len(pooled) != len(images) or getattr(features, "deepstack_features", None) is not None:
            return None
        self._stacked = isinstance(pooled, torch.Tensor)
        return [row.clone() for row in pooled]  # a view would keep the whole batch alive

    def _keep(self, sha: str, row: torch.Tensor) -> None:
        if sha in self._kept:
            self._kept.move_to_end(sha)
            return
        self._kept[sha] = row
        self._bytes += row.nbytes
        while self._bytes > self._limit:
            _, oldest = self._kept.popitem(last=False)
            self._bytes -= oldest.nbytes


def _runs(values: Sequence[object], longest: int) -> Iterator[tuple[int, int]]:
    """Cut a sorted sequence into runs of equal values, none longer than `longest`."""
    start = 0
    for k in range(1, len(values) + 1):
        if k == len(values) or values[k] != values[start] or k - start == longest:
            yield start, k
            start = k
