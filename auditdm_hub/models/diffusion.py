"""Image models of diffusers: any text-to-image pipeline draws captions, any pipeline that takes an image edits it.

1. A picture has its own stream of random numbers, seeded by its trial, and is made alone: it is the same wherever and
   beside whatever it is made.
2. An edit is given the image scaled to `size`, and what comes back is scaled to the size of the image: what is
   compared afterwards has as many pixels as before.
3. A picture that the pipeline's safety checker withheld, or that is one flat color (what half precision makes of
   numbers that overflow), is none; nor is one on which the pipeline failed: `NotMade` says why. A pipeline that fails
   time after time, or that does not fit the device, ends the audit, which can be resumed.
4. Of several pipelines one is on the device at a time; `offload` moves even its parts one by one, or layer by layer.
"""

import inspect
import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Self

from PIL import Image

from auditdm_hub.errors import FAULTS, BackendUnavailableError, ModelError, first_line
from auditdm_hub.models.loading import find_model, is_out_of_memory, pick_device
from auditdm_hub.models.placement import moved
from auditdm_hub.models.quiet import quiet_libraries
from auditdm_hub.models.revision import split_pin, versioned
from auditdm_hub.records import NotMade

if TYPE_CHECKING:
    import torch

Offload = Literal["none", "model", "sequential"]
MULTIPLE = 16
"""Width and height of what a pipeline is given: all of them take multiples of this."""
LARGEST = 768
"""The longer side of an image that is edited, where neither the settings nor the pipeline say one."""
WITHHELD, ONE_COLOR, FAILED = NotMade("as unsafe", refused=True), NotMade("one color"), NotMade("the pipeline failed")
FLAT = 2
"""Levels of 255 within which every channel of a flat picture stays."""
TEXT, EDIT = "text-to-image", "image-editing"
PATIENCE = 8
"""Pictures in a row on which a pipeline may fail."""
LOG = logging.getLogger("auditdm_hub")


@dataclass(frozen=True, slots=True)
class Drawing:
    """How a pipeline makes a picture; 0 = as the pipeline has it.

    `size` is the longer side in pixels, `guidance` the scale of classifier-free or distilled guidance. `dtype` "auto"
    is bfloat16 on CUDA and float32 elsewhere.
    """

    steps: int = 0
    guidance: float = 0.0
    size: int = 0
    offload: Offload = "none"
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"

    def __str__(self) -> str:
        """Return what a picture depends on, "" where all is as the pipeline has it."""
        parts = ((self.steps, f"{self.steps} steps"), (self.guidance, f"guidance {self.guidance:g}"),
                 (self.size, f"{self.size} pixels"), (self.dtype != "auto", self.dtype))  # fmt: skip
        return ", ".join(text for value, text in parts if value)


class Stage:
    """The device, on which one pipeline is at a time."""

    def __init__(self, device: str) -> None:
        self.device = pick_device(device)
        self._there: tuple[Any, str] | None = None

    def enter(self, pipeline: Any, name: str) -> None:  # noqa: ANN401 - diffusers has no common type with what is used
        """Put a pipeline on the device, and the one before it into the memory of the host; None = leave it empty."""
        import torch

        if self._there is not None and self._there[0] is pipeline:
            return
        if self._there is not None:
            self._there[0].to("cpu")
            if self.device.type == "cuda":
                torch.cuda.empty_cache()
            moved(self._there[1], torch.device("cpu"))
        self._there = None
        if pipeline is not None:
            pipeline.to(self.device)
            self._there = pipeline, name
            moved(name, self.device)


class _Pipeline:
    """A loaded pipeline with its settings."""

    kind = TEXT

    def __init__(self, pipeline: Any, name: str, drawing: Drawing, stage: Stage) -> None:  # noqa: ANN401
        """Wrap a pipeline; `load` is the usual way.

        Raises:
            ModelError: the pipeline does not make what it is asked for here.
        """
        self._accepted = inspect.signature(pipeline.__call__).parameters
        takes = "image" in self._accepted and self._accepted["image"].default is not inspect.Parameter.empty
        edits = "image" in self._accepted
        if "prompt" not in self._accepted or (self.kind == EDIT and not edits):
            raise ModelError(f"{name} is a {type(pipeline).__name__}, wanted a pipeline for {self.kind}")
        if self.kind == TEXT and edits and not takes:
            raise ModelError(f"{name} is a {type(pipeline).__name__}, which wants an image: use it as editor")
        self.revision = name
        """Of the weights: name@revision."""
        self.id = f"{name} ({drawing})" if str(drawing) else name
        self.checked = getattr(pipeline, "safety_checker", None) is not None
        """Whether the pipeline withholds what it finds unsafe."""
        self._failed = 0
        self._pipeline, self._drawing, self._stage = pipeline, drawing, stage

    @classmethod
    def load(cls, name: str, drawing: Drawing, stage: Stage, revision: str | None = None) -> Self:
        """Load a pipeline from a folder or the Hub; safetensors only, never code of the model's repository.

        Raises:
            ModelError: there is no such pipeline, or it makes something else.
            BackendUnavailableError: diffusers is not installed.
        """
        try:
            from diffusers import DiffusionPipeline
            from diffusers.utils import logging as diffusers_logging
        except ImportError:
            raise BackendUnavailableError("image models need diffusers: pip install 'auditdm-hub[images]'") from None
        from safetensors import SafetensorError

        name, pin = split_pin(name)
        revision = revision or pin
        find_model(name, revision)
        diffusers_logging.disable_progress_bar()
        with quiet_libraries():
            try:
                pipeline: Any = DiffusionPipeline.from_pretrained(
                    name, revision=revision, dtype=_dtype(drawing, stage), use_safetensors=True
                )
            except (OSError, ValueError, KeyError, ImportError, AttributeError, SafetensorError) as error:
                raise ModelError(f"cannot load {name} as a pipeline of diffusers: {first_line(error)}") from error
        pipeline.set_progress_bar_config(disable=True)
        if drawing.offload != "none" and stage.device.type != "cpu":
            offload = {"model": "enable_model_cpu_offload", "sequential": "enable_sequential_cpu_offload"}
            getattr(pipeline, offload[drawing.offload])(device=stage.device)
            moved(f"{name}, part by part and when it is used,", stage.device)
        return cls(pipeline, versioned(name, revision=revision), drawing, stage)

    def _make(self, prompt: str, seed: int, size: tuple[int, int] | None, **more: Any) -> Image.Image | NotMade:  # noqa: ANN401
        """Return one picture; `size` is (width, height), None = as the pipeline has it.

        Raises:
            ModelError: the pipeline does not fit, or failed on so many pictures in a row.
        """
        import torch

        moves_itself = self._drawing.offload != "none" and self._stage.device.type != "cpu"
        wanted = {**more, **self._options(seed), "prompt": prompt}
        if size is not None:
            wanted |= {"width": size[0], "height": size[1]}
        try:
            self._stage.enter(None if moves_itself else self._pipeline, self.id)
            with torch.inference_mode(), quiet_libraries():
                made = self._pipeline(**{key: value for key, value in wanted.items() if key in self._accepted})
        except FAULTS as error:
            self._count(error)
            return FAILED
        self._failed = 0
        image: Image.Image = made.images[0].convert("RGB")
        unsafe = getattr(made, "nsfw_content_detected", None)
        if unsafe and unsafe[0]:
            return WITHHELD
        return ONE_COLOR if is_flat(image) else image

    def _options(self, seed: int) -> dict[str, Any]:
        import torch

        drawing, guided = self._drawing, "true_cfg_scale" if "Qwen" in type(self._pipeline).__name__ else ""
        wanted: dict[str, Any] = {"generator": torch.Generator("cpu").manual_seed(seed)}
        if drawing.steps:
            wanted["num_inference_steps"] = drawing.steps
        if drawing.guidance:
            wanted[guided or "guidance_scale"] = drawing.guidance
        if guided and (drawing.guidance or self._accepted[guided].default) > 1:
            wanted["negative_prompt"] = " "  # without one the scale does nothing
        return wanted

    def _count(self, error: Exception) -> None:
        """Take note of a picture on which the pipeline failed."""
        if is_out_of_memory(error):
            raise ModelError(
                f"{self.id} does not fit on {self._stage.device} beside what is there: in a new configuration set "
                "`offload: model` or a smaller `size` under drawing: and editing:"
            ) from error
        self._failed += 1
        if self._failed == 1:
            LOG.warning("%s failed on a picture, which is left out: %s", self.id, first_line(error))
        if self._failed >= PATIENCE:
            raise ModelError(
                f"{self.id} failed on {self._failed} pictures in a row ({first_line(error)}): see why, then continue "
                "with --resume"
            ) from error


class DiffusersGenerator(_Pipeline):
    """Draws captions. Satisfies `ImageGenerator`."""

    kind = TEXT

    def generate(self, prompts: Sequence[str], seeds: Sequence[int]) -> list[Image.Image | NotMade]:
        """Return one square picture per caption."""
        side = self._drawing.size
        size = (_multiple(side), _multiple(side)) if side else None
        return [self._make(prompt, seed, size) for prompt, seed in zip(prompts, seeds, strict=True)]


class DiffusersEditor(_Pipeline):
    """Edits images. Satisfies `ImageEditor`."""

    kind = EDIT

    def edit(
        self, images: Sequence[Image.Image], instructions: Sequence[str], seeds: Sequence[int]
    ) -> list[Image.Image | NotMade]:
        """Return one picture per image, as large as the image."""
        rows = zip(images, instructions, seeds, strict=True)
        return [self._one(image, instruction, seed) for image, instruction, seed in rows]

    def _one(self, image: Image.Image, instruction: str, seed: int) -> Image.Image | NotMade:
        if not self._drawing.size and "max_area" not in self._accepted:  # it knows what size it was made for
            made = self._make(instruction, seed, None, image=self._given(image))
        else:
            size = fitted(image.size, self._drawing.size or self._longest(image))
            given = image.convert("RGB").resize(size, Image.Resampling.LANCZOS)
            own = {"_auto_resize": False, "max_area": size[0] * size[1]}  # FLUX Kontext would choose another size
            made = self._make(instruction, seed, size, image=given, **own)
        return made if isinstance(made, NotMade) else made.resize(image.size, Image.Resampling.LANCZOS)

    def _longest(self, image: Image.Image) -> int:
        """Return the longer side of an image that has as many pixels as the pipeline was made for (FLUX Kontext).

        Left to itself it would make a square of it.
        """
        ratio = max(image.size) / min(image.size)
        return round(math.sqrt(self._accepted["max_area"].default * ratio))

    def _given(self, image: Image.Image) -> Image.Image:
        """Return an image as a pipeline takes it that has no size of its own: in multiples of 16 pixels."""
        plain = image.convert("RGB")
        if "height" in self._accepted:
            return plain
        return plain.resize(fitted(plain.size, min(max(plain.size), LARGEST)), Image.Resampling.LANCZOS)


def fitted(size: tuple[int, int], longest: int) -> tuple[int, int]:
    """Return width and height in multiples of 16 with the longer side about `longest`."""
    scale = longest / max(size)
    return _multiple(size[0] * scale), _multiple(size[1] * scale)


def is_flat(image: Image.Image) -> bool:
    """Whether a picture is one color: what a safety checker or an overflow leaves."""
    extrema: Any = image.convert("RGB").getextrema()
    return all(high - low <= FLAT for low, high in extrema)


def _multiple(pixels: float) -> int:
    return max(MULTIPLE, round(pixels / MULTIPLE) * MULTIPLE)


def _dtype(drawing: Drawing, stage: Stage) -> "torch.dtype":
    import torch

    name = drawing.dtype
    if name == "auto":
        name = "bfloat16" if stage.device.type == "cuda" else "float32"
    found: torch.dtype = getattr(torch, name)
    return found
