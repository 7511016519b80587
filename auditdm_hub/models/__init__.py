"""Backends of the seams: transformers, diffusers and OpenAI-compatible servers."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from auditdm_hub.models.transformers_vlm import TransformersVLM


def load_vlm(name: str, **options: Any) -> "TransformersVLM":  # noqa: ANN401  # those of TransformersVLM.load
    """Load a target or a reference: a folder, or a model of the Hub.

    Args:
        name: the folder or the model's name.
        options: those of `TransformersVLM.load`: revision, adapter, device, dtype, family, prompt_template,
            batch_size, max_new_tokens.

    Raises:
        ModelError: there is no such model, it lacks a processor, or it does not take images and text.
    """
    from auditdm_hub.models.transformers_vlm import TransformersVLM

    return TransformersVLM.load(name, **options)
