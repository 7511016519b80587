"""An adapter that repairs nothing: noise on the weights of attention."""

from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model

from auditdm_hub.models.loading import Loading, load_parts
from auditdm_hub.models.quiet import quiet_libraries


def write_noise(base: str, folder: Path, std: float) -> Path:
    """Write an adapter for `base` to `folder`, and return that."""
    with quiet_libraries():
        model, _, _ = load_parts(base, Loading("cpu"))
        noisy = get_peft_model(model, LoraConfig(r=4, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM"))
        torch.manual_seed(0)
        for name, weight in noisy.named_parameters():
            if "lora_B" in name:
                torch.nn.init.normal_(weight, std=std)
        noisy.save_pretrained(folder)
    return folder
