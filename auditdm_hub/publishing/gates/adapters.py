"""The folder of an adapter: weights that can be loaded without running code, and no trace of one machine."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from auditdm_hub.publishing.gates.findings import Finding

PICKLES = (".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt")
CONFIG = "adapter_config.json"


def check_adapter_folder(folder: Path) -> Iterator[Finding]:
    """Yield what must not be published of an adapter's folder."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.suffix in PICKLES:
            yield Finding("adapter", name, "can run code when it is loaded", "save the adapter as safetensors")
        elif path.suffix == ".safetensors":
            yield from _weights(path, name)
    try:
        config = json.loads((folder / CONFIG).read_text())
    except (OSError, ValueError) as error:
        yield Finding("adapter", CONFIG, f"cannot be read ({error})", "save the adapter anew with peft")
        return
    base = str(config.get("base_model_name_or_path") or "")
    if base.count("/") != 1 or base.startswith(("/", ".", "~")) or "\\" in base:
        where = f"{CONFIG}: base_model_name_or_path"
        yield Finding("adapter", where, f"{base!r} is no model of the Hub", "say it with --base ORG/NAME")
    library = str((config.get("auto_mapping") or {}).get("parent_library", "transformers"))
    if library.partition(".")[0] != "transformers":
        what = f"lets peft import {library}"
        yield Finding("adapter", f"{CONFIG}: auto_mapping", what, "save the adapter for a class of transformers")


def _weights(path: Path, name: str) -> Iterator[Finding]:
    """Yield what is wrong with the tensors, read one at a time; bfloat16 is looked at by its exponent bits."""
    from safetensors import SafetensorError, safe_open

    remedy = "train again from the last good checkpoint"
    try:
        with safe_open(path, framework="np") as file:
            for key in file.keys():  # noqa: SIM118 - no mapping
                values = file.get_tensor(key)
                if values.dtype.kind == "V":  # bfloat16, where numpy has no type for it
                    values = (values.view(np.uint16).astype(np.uint32) << 16).view(np.float32)
                if not np.isfinite(values.astype(np.float32)).all():
                    yield Finding("adapter", f"{name}: {key}", "holds NaN or infinity", remedy)
    except (SafetensorError, OSError, TypeError) as error:
        yield Finding("adapter", name, f"cannot be read ({error})", "save the adapter anew with peft")
