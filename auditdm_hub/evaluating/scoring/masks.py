"""Segmentations in answers: PaliGemma's tokens for a box and a mask in it; how far a mask overlaps with another.

An answer begins with four location tokens (top, left, bottom, right) and sixteen segmentation tokens, which a decoder
turns into a mask of 64 by 64 logits, stretched over the box (arXiv 2407.07726, 3.2.3; the tokens are those of arXiv
2301.02229). The decoder's weights are Google's `vae-oid.npz`; they are not part of this package.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from auditdm_hub.errors import BackendUnavailableError, ConfigError
from auditdm_hub.evaluating.scoring.boxes import BINS

if TYPE_CHECKING:
    import torch

Mask = NDArray[np.bool_]
TOKENS = re.compile(r"\s*" + r"<loc(\d{4})>" * 4 + r"<seg(\d{3})>" * 16)
CODES, CODE_WIDTH, SIDE, BATCH = 128, 512, 4, 256
CODEBOOK = "_vq_vae._embedding"


def encode(polygons: Sequence[Any], width: int, height: int) -> dict[str, str]:
    """Return a mask as COCO's run lengths, as text: `size` "height width", and `counts`.

    Args:
        polygons: x and y in turn, in pixels; one polygon, or a list of them.
        width: of the image.
        height: of it.

    Raises:
        BackendUnavailableError: pycocotools is not installed.
        ValueError: there is no polygon.
    """
    coco = _coco()
    if not len(polygons):
        raise ValueError("a segmentation without a polygon")
    several = polygons if polygons and isinstance(polygons[0], Sequence) else [polygons]
    made = coco.merge(coco.frPyObjects([list(map(float, each)) for each in several], height, width))
    return {"size": f"{height} {width}", "counts": made["counts"].decode()}


def decode(wanted: Mapping[str, str]) -> Mask:
    """Return the mask of run lengths, (height, width)."""
    height, width = map(int, wanted["size"].split())
    mask = _coco().decode({"size": [height, width], "counts": wanted["counts"].encode()})
    return np.asarray(mask, np.bool_)


def _coco() -> Any:  # noqa: ANN401 - untyped
    try:
        from pycocotools import mask
    except ImportError:
        raise BackendUnavailableError("masks need pycocotools: pip install 'auditdm-hub[masks]'") from None
    return mask


class MaskDecoder:
    """Turns segmentation tokens into masks, on the CPU."""

    def __init__(self, codebook: "torch.Tensor", layers: "torch.nn.Module") -> None:
        """Take the vectors of the codes, (128, 512), and what makes a mask of 4 by 4 of them."""
        self._codebook, self._layers = codebook, layers

    @classmethod
    def load(cls, file: Path) -> Self:
        """Load the weights from `vae-oid.npz`.

        Raises:
            ConfigError: the file holds something else.
        """
        import torch

        try:
            with file.open("rb") as opened, np.load(opened) as held:
                weights = {name: torch.from_numpy(np.asarray(held[name], np.float32)) for name in held.files}
        except (OSError, ValueError, EOFError, TypeError, BadZipFile) as error:
            raise ConfigError(f"{file} cannot be read as the weights of a mask decoder: {error}") from None
        layers = _layers()
        own = {name.removeprefix("decoder."): value for name, value in weights.items() if name.startswith("decoder.")}
        try:
            layers.load_state_dict(own)
            codebook = weights[CODEBOOK]
        except (KeyError, RuntimeError):
            raise ConfigError(f"{file} holds no weights of PaliGemma's mask decoder, wanted vae-oid.npz") from None
        if codebook.shape != (CODES, CODE_WIDTH):
            raise ConfigError(f"{file}: got a codebook of {tuple(codebook.shape)}, wanted {(CODES, CODE_WIDTH)}")
        return cls(codebook, layers.eval())

    def masks(self, codes: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        """Return logits, (N, 64, 64), for N rows of 16 codes below 128."""
        import torch

        found = []
        for start in range(0, len(codes), BATCH):
            rows = torch.tensor(codes[start : start + BATCH])  # (B, 16)
            vectors = self._codebook[rows].unflatten(1, (SIDE, SIDE)).permute(0, 3, 1, 2)  # (B, 512, 4, 4)
            with torch.inference_mode():
                found.append(self._layers(vectors)[:, 0].numpy())
        return np.concatenate(found) if found else np.zeros((0, 64, 64), np.float32)

    def overlaps(self, answers: Sequence[str], wanted: Iterable[Mask]) -> list[float]:
        """Return the intersection over the union of each answer's mask with the wanted one; 0 for one without a mask.

        As big_vision's evaluator counts it: an answer that does not begin with all tokens, or whose box is empty,
        scores 0.
        """
        read = [_read(answer) for answer in answers]
        logits = iter(self.masks([found[1] for found in read if found]))
        pairs = zip(read, wanted, strict=True)  # masks in full size: one at a time
        return [_overlap(found[0], next(logits), mask) if found else 0.0 for found, mask in pairs]


def _read(answer: str) -> tuple[tuple[int, ...], list[int]] | None:
    """Return box (in bins: top, left, bottom, right) and codes, if an answer has both and neither is impossible."""
    found = TOKENS.match(answer)
    if not found:
        return None
    numbers = [int(each) for each in found.groups()]
    box, codes = tuple(numbers[:4]), numbers[4:]
    possible = max(box) < BINS and max(codes) < CODES and box[2] > box[0] and box[3] > box[1]
    return (box, codes) if possible else None


def _overlap(box: Sequence[int], logits: NDArray[np.float32], wanted: Mask) -> float:
    height, width = wanted.shape
    shares = [each / (BINS - 1) for each in box]
    top, left, bottom, right = (int(share * size) for share, size in zip(shares, (height, width) * 2, strict=True))
    if bottom <= top or right <= left:
        return 0.0
    stretched = Image.fromarray(logits).resize((right - left, bottom - top), Image.Resampling.BILINEAR)
    mask = np.asarray(stretched) > 0
    shared = int((wanted[top:bottom, left:right] & mask).sum())
    union = int(wanted.sum()) + int(mask.sum()) - shared
    return shared / union if union else 0.0


def _layers() -> "torch.nn.Sequential":
    """Return the decoder: two residual blocks, then four times twice as wide, from 4 to 64."""
    from torch import nn

    class Residual(nn.Module):
        def __init__(self, width: int) -> None:
            super().__init__()
            self.net = nn.Sequential(
                nn.Conv2d(width, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, width, 3, padding=1), nn.ReLU(),
                nn.Conv2d(width, width, 1),
            )  # fmt: skip

        def forward(self, x: "torch.Tensor") -> "torch.Tensor":
            added: torch.Tensor = self.net(x) + x
            return added

    widths = [128, 128, 64, 32, 16]
    grown = [layer for one, two in zip(widths, widths[1:], strict=False)
             for layer in (nn.ConvTranspose2d(one, two, 4, stride=2, padding=1), nn.ReLU())]  # fmt: skip
    return nn.Sequential(
        nn.Conv2d(CODE_WIDTH, 128, 1), nn.ReLU(), Residual(128), Residual(128), *grown, nn.Conv2d(16, 1, 1)
    )
