"""LoRA adapters as files: a share of one, and one that does what several do one after the other."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

from auditdm_hub.atomic import atomic_folder
from auditdm_hub.models.loading import WEIGHTS

CONFIG = "adapter_config.json"


def scale_adapter(adapter: Path, share: float, out: Path) -> None:
    """Write an adapter whose change of the weights is so large a share of the given one's.

    Args:
        adapter: folder of a LoRA adapter.
        share: in [0, 1].
        out: folder to write; what is there is replaced.
    """
    from safetensors.torch import load_file, save_file

    with atomic_folder(out) as new:
        shutil.copytree(adapter, new, dirs_exist_ok=True)
        if share != 1:
            weights = load_file(new / WEIGHTS)
            scaled = {name: tensor * share if "lora_B" in name else tensor for name, tensor in weights.items()}
            save_file(scaled, new / WEIGHTS, metadata={"format": "pt"})


def stack_adapters(adapters: Sequence[Path], out: Path) -> None:
    """Write one adapter for the first one's base that changes the weights as all of them together do.

    Each was trained on what the one before had changed. The change of a layer is the sum of theirs, so A and B are
    joined along the rank: the result has the sum of the ranks, and the common scale alpha / rank.

    Args:
        adapters: folders of LoRA adapters of the same layers with the same scale.
        out: folder to write; what is there is replaced.

    Raises:
        ValueError: they change other layers, or have another scale.
    """
    import torch
    from safetensors.torch import load_file, save_file

    configs = [json.loads((adapter / CONFIG).read_text()) for adapter in adapters]
    weights = [load_file(adapter / WEIGHTS) for adapter in adapters]
    if len({config["lora_alpha"] / config["r"] for config in configs}) > 1:
        raise ValueError("adapters of different scales (alpha / rank) cannot be stacked")
    if any(set(each) != set(weights[0]) for each in weights):
        raise ValueError("adapters of different layers cannot be stacked")
    joined = {
        name: torch.cat([each[name] for each in weights], dim=0 if "lora_A" in name else 1).contiguous()
        for name in weights[0]
    }
    totals = {name: sum(config[name] for config in configs) for name in ("r", "lora_alpha")}
    with atomic_folder(out) as new:
        shutil.copytree(adapters[0], new, dirs_exist_ok=True)
        save_file(joined, new / WEIGHTS, metadata={"format": "pt"})
        (new / CONFIG).write_text(json.dumps({**configs[0], **totals}, indent=2))
