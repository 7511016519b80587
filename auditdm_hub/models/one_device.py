"""A Trainer of transformers takes every GPU that it sees; one process of ours has one, the one its model is on."""

import os
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import torch
    from transformers import TrainingArguments

Arguments = TypeVar("Arguments", bound="TrainingArguments")


def on_one_device(arguments: Arguments, device: "torch.device") -> Arguments:
    """Have a Trainer use one GPU, however many there are; of several processes each has its own already.

    Args:
        arguments: of the Trainer; they are changed.
        device: where the model is.
    """
    if device.type != "cuda" or int(os.environ.get("WORLD_SIZE", "1")) > 1:
        return arguments
    import torch

    _ = arguments.device  # sets up what is replaced here
    torch.cuda.set_device(device)
    arguments.__dict__["_setup_devices"] = device
    arguments._n_gpu = 1
    return arguments
