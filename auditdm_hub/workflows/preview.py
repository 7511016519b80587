"""What an audit would load and cost, said without loading anything: `auditdm-hub audit --plan`.

1. Each model once, with its roles: commit, licence and size of its files, from the Hub's API or the folder.
2. Memory: weights as they are stored on a GPU, at four bytes elsewhere, of what a stage holds at the same time, and
   for training what was measured beside the weights, in proportion to the auditor (`WORKING`). Of a pipeline whose
   parts move one by one, the largest part.
3. Time: from the questions that the configuration asks for, at the speed that was measured on one card (`PER_TEXT`,
   `PER_ANSWER`). An order of magnitude, and said to be.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from auditdm_hub.config import NO_MODEL, PLAYGROUND, AuditConfig
from auditdm_hub.models.endpoint import is_endpoint
from auditdm_hub.models.revision import split_pin
from auditdm_hub.playground.models import AUDITOR, HOLDOUT, REFERENCES, TARGET, model_folder
from auditdm_hub.releases.hub_errors import explained
from auditdm_hub.runs import MANIFEST, Run
from auditdm_hub.workflows.budget import questions
from auditdm_hub.workflows.model_licenses import card_license
from auditdm_hub.workflows.specs import is_listed

GB, GIB = 10**9, 2**30
WORKING = 6.0
"""Bytes for each parameter of the auditor beside all weights in training: benchmarks/one_gpu.py, 8 texts a pass."""
PER_TEXT, PER_ANSWER = 0.08e-9, 1.1e-12
"""Seconds for a text in training and for an answer, for each parameter; measured likewise."""
IMAGE_MAKERS = ("generator", "editor")
VARIANT = re.compile(r"\.(fp16|bf16|fp32|non_ema|ema)[.-]")
"""In the names of weights that a pipeline holds twice, of which diffusers loads the plain ones."""


@dataclass(frozen=True, slots=True)
class PlannedModel:
    """A model with its roles. `revision` and `licence` are "" where nobody says them; `parameters` 0 if unknown.

    `configured`: as the configuration names it.
    `stored`: bytes of a parameter in its files. `largest`: parameters of a pipeline's largest part, 0 = it is none.
    """

    name: str
    roles: tuple[str, ...]
    where: str
    revision: str
    licence: str
    parameters: int
    download: int  # bytes
    note: str = ""
    stored: float = 2.0
    largest: int = 0
    configured: str = ""


@dataclass(frozen=True, slots=True)
class Preview:
    """What an audit would take.

    `memory` = bytes by stage; `gpu_memory` = bytes of the GPU, 0 = none; `questions` in training and in probing;
    `advice` = what to change where it does not fit.
    """

    models: tuple[PlannedModel, ...]
    memory: Mapping[str, int]
    gpu: str
    gpu_memory: int
    questions: tuple[int, int]
    seconds: float
    advice: tuple[str, ...]

    @property
    def fits(self) -> bool:
        """Whether the largest stage fits the GPU; True without one."""
        return not self.gpu_memory or max(self.memory.values()) <= self.gpu_memory


def preview(config: AuditConfig) -> Preview:
    """Look up what an audit would load.

    Raises:
        HubError: the Hub does not answer, or has no such model.
    """
    models = tuple(replace(_planned(name, roles), configured=name) for name, roles in _roles(config).items())
    gpu, there = _gpu()
    weights = {role: round(model.parameters * _width(config, model, role, bool(there)))
               for model in models for role in model.roles}  # fmt: skip
    trained = next((model.parameters for model in models if "auditor" in model.roles), 0)
    working = round(WORKING * trained) if config.steps else 0
    asked = [role for role in weights if role == "target" or role.startswith("reference")]
    held = sum(weights[role] for role in asked)
    pictures = max((_on_device(config, role, model, bool(there)) for model in models for role in model.roles
                    if role in IMAGE_MAKERS), default=0)  # fmt: skip
    beside = sum(weights.get(role, 0) for role in ("holdout", "judge", "gate"))
    # A target that the auditor starts from is loaded once.
    shared = any(
        "auditor" in model.roles and {*asked, "holdout", "judge", "gate"} & set(model.roles) for model in models
    )
    own = 0 if shared and not (config.models.four_bit or config.models.eight_bit) else weights.get("auditor", 0)
    memory = {"train": own + held + working + pictures} if config.steps else {}
    memory["probe"] = own + held + beside + pictures
    training, probing = questions(config)
    answering = sum(model.parameters * sum(role in (*asked, "holdout") for role in model.roles) for model in models)
    writing = sum(model.parameters for model in models if "auditor" in model.roles)
    seconds = training * PER_TEXT * writing + (training + probing) * PER_ANSWER * answering
    found = Preview(models, memory, gpu, there, (training, probing), seconds, ())
    advice = tuple(_advice(config, models, found)) if not found.fits else ()
    return Preview(models, memory, gpu, there, (training, probing), seconds, advice)


def _width(config: AuditConfig, model: PlannedModel, role: str, on_gpu: bool) -> float:
    """Return the bytes that a weight takes; an auditor, which is trained, is never held in few bits."""
    if role != "auditor" and is_listed(model.configured, config.models.four_bit):
        return 0.56  # NF4, and a constant for each 64 weights
    if role != "auditor" and is_listed(model.configured, config.models.eight_bit):
        return 1.0
    if config.models.dtype == "float32" or not on_gpu:
        return 4.0
    return model.stored if config.models.dtype == "auto" else 2.0


def _on_device(config: AuditConfig, role: str, model: PlannedModel, on_gpu: bool) -> int:
    """Return the bytes that an image model takes on the GPU at a time."""
    drawing = config.drawing if role == "generator" else config.editing
    if drawing.offload == "sequential":
        return 0
    held = model.largest if drawing.offload == "model" and model.largest else model.parameters
    return held * (2 if on_gpu and drawing.dtype != "float32" else 4)


def _roles(config: AuditConfig) -> dict[str, tuple[str, ...]]:
    """Return the roles of each model by its name or folder, in the order in which they are met."""
    found: dict[str, list[str]] = {}

    def take(role: str, name: str, place: str = "") -> None:
        shown = str(model_folder(place)) if name == PLAYGROUND and place else name
        found.setdefault(shown, []).append(role)

    take("target", config.target, TARGET)
    names = config.references or (PLAYGROUND,) * len(REFERENCES)
    for number, (name, place) in enumerate(zip(names, REFERENCES * len(names), strict=False), 1):
        take(f"reference {number}", name, place)
    if config.holdout != NO_MODEL and (config.holdout or not config.references):
        take("holdout", config.holdout or PLAYGROUND, HOLDOUT)
    base = Path(config.auditor)
    take("auditor", str(Run.open(base).config["auditor"]) if (base / MANIFEST).is_file() else config.auditor, AUDITOR)
    if config.judge not in ("vqa", "embedding"):
        take("judge", config.judge)
    if config.gate and config.actions != ("question",):
        take("gate", config.gate)
    for role, action in zip(IMAGE_MAKERS, ("caption", "edit"), strict=True):
        if action in config.actions:
            take(role, getattr(config, role))
    return {name: tuple(roles) for name, roles in found.items()}


def _planned(name: str, roles: tuple[str, ...]) -> PlannedModel:
    if name == PLAYGROUND:
        return PlannedModel(name, roles, "built in", "", "CC0-1.0", 0, 0)
    if is_endpoint(name):
        return PlannedModel(name, roles, "endpoint", "", "", 0, 0, "asked over the network")
    folder = Path(name)
    if folder.is_dir():
        pipeline = (folder / "model_index.json").is_file()
        files = [path for path in folder.rglob("*.safetensors") if not pipeline or path.parent != folder]
        parts = [_parameters(path for path in files if path.parent == part) for part in {path.parent for path in files}]
        size = sum(path.stat().st_size for path in files)
        return PlannedModel(
            folder.name, roles, "folder", "", card_license(folder / "README.md"), sum(parts), 0,
            stored=size / sum(parts) if sum(parts) else 2.0, largest=max(parts, default=0) if pipeline else 0,
        )  # fmt: skip
    return _on_hub(name, roles)


def _on_hub(name: str, roles: tuple[str, ...]) -> PlannedModel:
    from huggingface_hub import HfApi

    base, pin = split_pin(name)
    with explained(f"{name} ({', '.join(roles)})"):
        info = HfApi().model_info(base, revision=pin, files_metadata=True)
    sizes = {each.rfilename: each.size or 0 for each in info.siblings or []}
    pipeline = "model_index.json" in sizes
    # A pipeline's repository often holds the same weights in one file at its top, which diffusers does not load.
    weights = {path: size for path, size in sizes.items() if path.endswith(".safetensors")
               and (not pipeline or ("/" in path and not VARIANT.search(path)))}  # fmt: skip
    others = sum(size for path, size in sizes.items() if path.endswith((".json", ".txt", ".model", ".jinja")))
    count = info.safetensors.total if info.safetensors and not pipeline else sum(weights.values()) // 2
    licence = info.card_data.get("license") if info.card_data else ""
    parts = Counter[str]()
    for path, size in weights.items():
        parts[path.partition("/")[0]] += size
    note = f"gated: accept its terms at https://huggingface.co/{base}" if info.gated else ""
    if not weights:
        note = "no safetensors: it will be refused"
    return PlannedModel(
        name, roles, "Hub", (info.sha or "")[:12], str(licence or ""), count, sum(weights.values()) + others, note,
        sum(weights.values()) / count if info.safetensors and count and not pipeline else 2.0,
        max(parts.values(), default=0) // 2 if pipeline else 0,
    )  # fmt: skip


def _parameters(files: Iterable[Path]) -> int:
    """Return how many numbers safetensors files hold, from their headers alone."""
    from safetensors import safe_open

    total = 0
    for path in files:
        with safe_open(path, framework="numpy") as file:
            for key in file.keys():  # noqa: SIM118 - it is no mapping
                size = 1
                for length in file.get_slice(key).get_shape():
                    size *= length
                total += size
    return total


def _gpu() -> tuple[str, int]:
    import torch

    if not torch.cuda.is_available():
        return "", 0
    return torch.cuda.get_device_name(), torch.cuda.mem_get_info()[1]


def _advice(config: AuditConfig, models: Sequence[PlannedModel], found: Preview) -> Iterator[str]:
    """Yield what would make it fit, what costs least first."""
    if config.actions != ("question",) and config.drawing.offload == "none":
        yield "set offload: model under drawing: and editing: (slower pictures)"
        yield "leave captions and edits out: actions: [question]"
    largest = max((model for model in models if any(role.startswith("reference") for role in model.roles)),
                  key=lambda model: model.parameters, default=None)  # fmt: skip
    if largest is not None and largest.parameters:
        yield f"serve {largest.name} elsewhere and name it URL#MODEL, or take a smaller reference"
    if "train" in found.memory and found.memory["train"] > found.gpu_memory >= found.memory["probe"]:
        yield "use an auditor that was trained before: --auditor RUN --steps 0"
