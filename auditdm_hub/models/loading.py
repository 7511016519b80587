"""Loading a model and its processor from a folder or the Hub, with one clear error for everything that can be wrong."""

import re
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from auditdm_hub.clock import GIB
from auditdm_hub.errors import BackendUnavailableError, HubError, ModelError, first_line
from auditdm_hub.models.placement import loaded
from auditdm_hub.models.prompting import Processor
from auditdm_hub.models.quiet import quiet_libraries
from auditdm_hub.models.revision import split_pin, versioned
from auditdm_hub.releases.hub_errors import explained

if TYPE_CHECKING:
    import torch
    from transformers import BitsAndBytesConfig, PreTrainedModel

PARTS = {
    "processor": ("processor_config.json", "preprocessor_config.json"),
    "tokenizer": ("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt"),
}
FIND_SECONDS = 20.0
DTYPES = ("auto", "float32", "bfloat16", "float16")


ATTENTION = ("auto", "eager", "sdpa", "flash_attention_2")
BITS = (0, 4, 8)


@dataclass(frozen=True, slots=True)
class Loading:
    """How to load a model.

    `device`: auto, cpu, cuda, cuda:1, mps. `dtype`: of `DTYPES`; "auto" = float32 on a CPU, else as stored.
    `attention`: of `ATTENTION`; "auto" = what transformers chooses. `bits`: 4 (NF4) or 8 hold the weights of linear
    layers in so many bits, 0 as they are. `spread`: over all GPUs, layer by layer. `remote_code`: run code of the
    model's repository.

    Raises:
        ModelError: a value is none of these.
    """

    device: str = "auto"
    dtype: str = "auto"
    attention: str = "auto"
    bits: int = 0
    spread: bool = False
    remote_code: bool = False

    def __post_init__(self) -> None:
        for name, known in (("dtype", DTYPES), ("attention", ATTENTION), ("bits", BITS)):
            value = getattr(self, name)
            if value not in known:
                raise ModelError(f"got {name} {value!r}, wanted one of {', '.join(map(str, known))}")


def load_parts(
    name: str, how: Loading, revision: str | None = None, adapter: str | None = None, merge: bool = False
) -> tuple["PreTrainedModel", Processor, str]:
    """Return model, processor and id (name@revision[+adapter@revision]).

    Args:
        name: of the Hub, with "@REVISION" if it is to be pinned, or a folder.
        how: device, precision, and the like.
        revision: of the Hub.
        adapter: a LoRA adapter. In float32 it is merged into the weights; in fewer bits that would round it away, and
            its layers stay beside them.
        merge: merge it in any precision, to save the weights.

    Raises:
        ModelError: there is no such model, it lacks a processor, it does not take images and text, wants to run its own
            code, or is too large for the device.
        BackendUnavailableError: so many bits are wanted, and bitsandbytes is not installed.
    """
    where = pick_device(how.device)
    name, pin = split_pin(name)
    revision = revision or pin
    if Path(name).is_dir() and not (Path(name) / "config.json").is_file():
        raise ModelError(f"{name} has no config.json: wanted a folder that `save_pretrained` of a model wrote")
    find_model(name, revision)
    with quiet_libraries():
        processor = _processor(name, revision, how)
        model = _model(name, revision, how, where)
        model_id = versioned(name, getattr(model.config, "_commit_hash", None), revision)
        if adapter is not None:
            model = _adapted(model, adapter, merge)
            model_id = f"{model_id}+{versioned(adapter)}"
        model = _placed(model, where) if not (how.bits or how.spread) else model
    loaded(model_id, model, where)
    broken = next((each for each, weight in model.named_parameters() if not _is_whole(weight)), None)
    if broken is not None:
        raise ModelError(f"{name} holds weights that are no numbers ({broken}): it is broken, or was saved in a fault")
    return model.eval(), processor, model_id


def _is_whole(weight: Any) -> bool:  # noqa: ANN401
    """Whether all weights are numbers; what was left outside of the memory cannot be looked at."""
    return bool(weight.is_meta) or bool(weight.isfinite().all())


def find_model(name: str, revision: str | None = None) -> None:
    """Ask the Hub once whether it has a model that is not in the cache: its clients would retry for minutes.

    Raises:
        ModelError: it has none, does not give it to this account, or cannot be asked.
    """
    from huggingface_hub import HfApi, constants, hf_hub_url, try_to_load_from_cache

    name, pin = split_pin(name)
    revision = revision or pin
    if Path(name).is_dir():
        return
    if name.startswith(("/", ".", "~")) or name.count("/") > 1:
        raise ModelError(f"{name}: there is no such folder")
    cached = (try_to_load_from_cache(name, file, revision=revision) for file in ("config.json", "model_index.json"))
    if constants.HF_HUB_OFFLINE or any(isinstance(path, str) for path in cached):
        return
    try:
        with explained(name):
            info = HfApi().model_info(name, revision=revision, timeout=FIND_SECONDS)
            if info.gated:  # its files alone tell whether this account may have them
                index = "model_index.json" in {each.rfilename for each in info.siblings or ()}
                url = hf_hub_url(name, "model_index.json" if index else "config.json", revision=revision)
                HfApi().get_hf_file_metadata(url=url, timeout=FIND_SECONDS)
    except HubError as error:
        raise ModelError(str(error)) from error


def _why_no_processor(name: str, error: Exception) -> str:
    """Return what a folder lacks, if that is why; transformers speaks of the Hub where a file is missing."""
    for part, names in PARTS.items():
        if Path(name).is_dir() and not any((Path(name) / each).is_file() for each in names):
            return f"{name} has no {part} ({' or '.join(names)}): save it beside the model with `save_pretrained`"
    library = re.search(r"requires the (\w+) library|Package `(\w+)` is required", str(error))
    if library:
        needed = (library[1] or library[2]).lower()
        return f"the processor of {name} needs {needed}, which is not installed: pip install {needed}"
    return f"cannot load a processor from {name}: {first_line(error)}"


def _processor(name: str, revision: str | None, how: Loading) -> Processor:
    from transformers import AutoProcessor

    try:
        load: Any = AutoProcessor.from_pretrained  # untyped
        processor = load(name, revision=revision, trust_remote_code=how.remote_code)
    except (OSError, ValueError, KeyError, ImportError) as error:
        _refuse_code(name, error)
        raise ModelError(_why_no_processor(name, error)) from error
    if not hasattr(processor, "image_processor") or not hasattr(processor, "tokenizer"):
        raise ModelError(
            f"{name} has a {type(processor).__name__}, wanted a processor of images and text: save it beside the "
            "model with `processor.save_pretrained`"
        )
    return processor


def _model(name: str, revision: str | None, how: Loading, where: "torch.device") -> Any:  # noqa: ANN401
    from safetensors import SafetensorError
    from transformers import AutoModelForImageTextToText

    options: dict[str, Any] = {"dtype": "float32" if how.dtype == "auto" and where.type == "cpu" else how.dtype}
    if how.attention != "auto":
        options["attn_implementation"] = how.attention
    if how.bits:
        options |= {"quantization_config": _in_bits(how.bits, where), "device_map": {"": where}}
    if how.spread:
        options["device_map"] = "auto"
    try:
        return AutoModelForImageTextToText.from_pretrained(
            name, revision=revision, trust_remote_code=how.remote_code, use_safetensors=True, **options
        )
    except (OSError, ValueError, KeyError, ImportError, RuntimeError, SafetensorError) as error:
        _refuse_code(name, error)
        if is_out_of_memory(error):
            raise _too_large(name, None, where) from error
        raise ModelError(
            f"cannot load {name} as an image-text-to-text model with safetensors weights: {first_line(error)}"
        ) from error


def _refuse_code(name: str, error: Exception) -> None:
    if "trust_remote_code" in str(error):
        raise ModelError(
            f"{name} wants to run code of its own repository, which is refused: read that code, then list the model "
            "under models.remote_code in a CONFIG file"
        ) from error


def _placed(model: Any, where: "torch.device") -> Any:  # noqa: ANN401
    try:
        return model.to(where)
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        raise _too_large(str(model.config._name_or_path), model, where) from error


def _too_large(name: str, model: Any, where: "torch.device") -> ModelError:  # noqa: ANN401
    import torch

    size = f", its weights take {sum(w.nbytes for w in model.parameters()) / GIB:.1f} GiB" if model is not None else ""
    free = f" of {torch.cuda.mem_get_info(where)[0] / GIB:.1f} GiB that are free" if where.type == "cuda" else ""
    return ModelError(
        f"{name} does not fit on {where}{size}{free}: list it under models.four_bit in a CONFIG file, or take a "
        "smaller one (`auditdm-hub audit --plan` adds up what a configuration needs)"
    )


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error is that the device has no memory left."""
    import torch

    return isinstance(error, torch.OutOfMemoryError)


def _in_bits(bits: int, where: "torch.device") -> "BitsAndBytesConfig":
    import torch
    from transformers import BitsAndBytesConfig

    if find_spec("bitsandbytes") is None:
        raise BackendUnavailableError(f"{bits} bits need bitsandbytes: pip install 'auditdm-hub[four-bit]'")
    if bits == 8:
        return BitsAndBytesConfig(load_in_8bit=True)
    return BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16 if where.type == "cuda" else torch.float32,
    )  # fmt: skip


WEIGHTS = "adapter_model.safetensors"


def pick_device(device: str) -> "torch.device":
    """Return the device of that name; "auto" = the first GPU, else the CPU.

    Raises:
        ModelError: the name is unknown, or the device is not there.
    """
    import torch

    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        picked = torch.device(device)
    except RuntimeError:
        raise ModelError(f"got device {device!r}, wanted auto, cpu, mps, cuda or cuda:0") from None
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not there.get(picked.type, False):
        raise ModelError(f"device {device} is not there: use --device cpu, or run `auditdm-hub doctor`")
    return picked


def _adapted(model: "PreTrainedModel", adapter: str, merge: bool) -> "PreTrainedModel":
    import torch
    from peft import PeftModel

    whole = model.dtype == torch.float32 and getattr(model, "quantization_method", None) is None
    try:
        adapted = PeftModel.from_pretrained(model, adapter)
        found: Any = adapted.merge_and_unload() if merge or whole else adapted.get_base_model()
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise ModelError(f"cannot put adapter {adapter} on {type(model).__name__}: {first_line(error)}") from error
    return cast("PreTrainedModel", found)


def refuse_misfit(model: "PreTrainedModel", adapter: str) -> None:
    """Raise if an adapter was made for layers of another size than the model has; nothing is changed.

    Raises:
        ModelError: it was, or its weights cannot be read.
    """
    from safetensors import SafetensorError, safe_open

    modules = dict(model.named_modules())
    try:
        with safe_open(str(Path(adapter) / WEIGHTS), "pt") as weights:
            shapes = {name: weights.get_slice(name).get_shape() for name in weights.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise ModelError(f"cannot read the weights of adapter {adapter}: {first_line(error)}") from error
    for name, shape in shapes.items():
        path, _, factor = name.removeprefix("base_model.model.").partition(".lora_")
        place, size = (1, "in_features") if factor.startswith("A") else (0, "out_features")
        wanted = getattr(modules.get(path), size, shape[place])
        if factor[:1] in ("A", "B") and shape[place] != wanted:
            raise ModelError(
                f"cannot put adapter {adapter} on {type(model).__name__}: {path} has {wanted} {size}, the adapter is "
                f"made for {shape[place]}"
            )
