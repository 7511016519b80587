"""One set of weights for several parts of an audit: the auditor with its LoRA adapter, target or references without.

The adapter is put into the layers of the model, so whoever wants the model as it was switches it off meanwhile. An
audit of the model that its auditor starts from holds these weights once.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from auditdm_hub.models.loading import Loading, load_parts
from auditdm_hub.models.spec import ModelSpec


class SharedBase:
    """A model that is loaded when it is first needed, and then once."""

    def __init__(self, name: str, how: Loading) -> None:
        """Name the model: a folder, or one of the Hub."""
        self.name, self.how = name, how

    def serves(self, spec: ModelSpec) -> bool:
        """Whether a model is this one, loaded in the same way."""
        return (spec.name, spec.how) == (self.name, self.how)

    @cached_property
    def parts(self) -> tuple[Any, Any, str]:
        """Model, processor and id (name@revision).

        Raises:
            ModelError: as `load_parts`.
        """
        return load_parts(self.name, self.how)

    @contextmanager
    def bare(self) -> Iterator[None]:
        """Have the model as it was: adapters off, in evaluation mode, nothing of it changed afterwards."""
        from peft.tuners.tuners_utils import BaseTunerLayer

        model = self.parts[0]
        layers = [each for each in model.modules() if isinstance(each, BaseTunerLayer) and not each.disable_adapters]
        training, generation = model.training, model.generation_config
        for layer in layers:
            layer.enable_adapters(False)
        model.eval()
        try:
            yield
        finally:
            model.generation_config = generation
            model.train(training)
            for layer in layers:
                layer.enable_adapters(True)

    def strip(self) -> None:
        """Take every adapter out of the model again."""
        from peft.tuners.tuners_utils import BaseTunerLayer

        model = self.parts[0]
        for name, layer in list(model.named_modules()):
            if isinstance(layer, BaseTunerLayer):
                parent, _, own = name.rpartition(".")
                setattr(model.get_submodule(parent), own, layer.get_base_layer())
        if hasattr(model, "peft_config"):
            del model.peft_config
        model.requires_grad_(False).eval()
