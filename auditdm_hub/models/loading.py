"""Loading a model and its processor from a folder or the Hub, with one clear error for everything that can be wrong."""

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditdm_hub.errors import BackendUnavailableError, ModelError
from auditdm_hub.models.prompting import Processor
from auditdm_hub.models.quiet import quiet_libraries
from auditdm_hub.models.revision import versioned

if TYPE_CHECKING:
    import torch
    from transformers import BitsAndBytesConfig, PreTrainedModel

PARTS = {
    "processor": ("processor_config.json", "preprocessor_config.json"),
    "tokenizer": ("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt"),
}
DTYPES = ("auto", "float32", "bfloat16", "float16")


def load_parts(
    name: str, revision: str | None, adapter: str | None, device: str, dtype: str, four_bit: bool = False
) -> tuple["PreTrainedModel", Processor, str]:
    """Return model, processor and id (name@revision[+adapter@revision]).

    Args:
        name: of the Hub, or a folder.
        revision: of the Hub.
        adapter: a LoRA adapter that is merged into the weights.
        device: auto, cpu, cuda, ...
        dtype: of `DTYPES`.
        four_bit: hold the weights of linear layers in 4 bits (NF4) while an adapter is trained beside them.

    Raises:
        ModelError: there is no such model, it lacks a processor, or it does not take images and text.
        BackendUnavailableError: 4 bits are wanted, and bitsandbytes is not installed.
    """
    if dtype not in DTYPES:
        raise ModelError(f"got dtype {dtype!r}, wanted one of {', '.join(DTYPES)}")
    where = pick_device(device)
    stored = "float32" if dtype == "auto" and where.type == "cpu" else dtype
    if Path(name).is_dir() and not (Path(name) / "config.json").is_file():
        raise ModelError(f"{name} has no config.json: wanted a folder that `save_pretrained` of a model wrote")
    with quiet_libraries():
        return _load(name, revision, adapter, where, stored, _four_bit(where) if four_bit else None)


def _why_no_processor(name: str, error: Exception) -> str:
    """Return what a folder lacks, if that is why; transformers speaks of the Hub where a file is missing."""
    for part, names in PARTS.items():
        if Path(name).is_dir() and not any((Path(name) / each).is_file() for each in names):
            return f"{name} has no {part} ({' or '.join(names)}): save it beside the model with `save_pretrained`"
    return f"cannot load a processor from {name}: {_first_line(error)}"


def _load(
    name: str,
    revision: str | None,
    adapter: str | None,
    where: "torch.device",
    dtype: str,
    quantization: "BitsAndBytesConfig | None",
) -> tuple["PreTrainedModel", Processor, str]:
    from safetensors import SafetensorError
    from transformers import AutoModelForImageTextToText, AutoProcessor

    try:
        load: Any = AutoProcessor.from_pretrained  # untyped
        processor = load(name, revision=revision, trust_remote_code=False)
    except (OSError, ValueError, KeyError, ImportError) as error:
        raise ModelError(_why_no_processor(name, error)) from error
    if not hasattr(processor, "image_processor") or not hasattr(processor, "tokenizer"):
        raise ModelError(
            f"{name} has a {type(processor).__name__}, wanted a processor of images and text: save it beside the "
            "model with `processor.save_pretrained`"
        )
    more = {"quantization_config": quantization, "device_map": {"": where}} if quantization else {}
    try:
        model: Any = AutoModelForImageTextToText.from_pretrained(
            name, revision=revision, dtype=dtype, trust_remote_code=False, use_safetensors=True, **more
        )
    except (OSError, ValueError, KeyError, ImportError, RuntimeError, SafetensorError) as error:
        raise ModelError(
            f"cannot load {name} as an image-text-to-text model with safetensors weights: {_first_line(error)}"
        ) from error
    model_id = versioned(name, getattr(model.config, "_commit_hash", None))
    if adapter is not None:
        model = _adapted(model, adapter)
        model_id = f"{model_id}+{versioned(adapter)}"
    model = model.eval() if quantization else model.to(where).eval()
    broken = next((each for each, weight in model.named_parameters() if not bool(weight.isfinite().all())), None)
    if broken is not None:
        raise ModelError(f"{name} holds weights that are no numbers ({broken}): it is broken, or was saved in a fault")
    return model, processor, model_id


def _four_bit(where: "torch.device") -> "BitsAndBytesConfig":
    import torch
    from transformers import BitsAndBytesConfig

    if find_spec("bitsandbytes") is None:
        raise BackendUnavailableError("4 bits need bitsandbytes: pip install 'auditdm-hub[four-bit]'")
    return BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16 if where.type == "cuda" else torch.float32,
    )  # fmt: skip


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


def _adapted(model: "PreTrainedModel", adapter: str) -> "PreTrainedModel":
    from peft import PeftModel

    try:
        merged: PreTrainedModel = PeftModel.from_pretrained(model, adapter).merge_and_unload()
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise ModelError(f"cannot put adapter {adapter} on {type(model).__name__}: {_first_line(error)}") from error
    return merged


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
