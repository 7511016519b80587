"""How the models of a run are loaded and asked, by its configuration."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from auditdm_hub.config import PLAYGROUND
from auditdm_hub.config_sections import ModelsConfig
from auditdm_hub.errors import ModelError
from auditdm_hub.models.loading import Loading
from auditdm_hub.models.revision import split_pin
from auditdm_hub.models.spec import ModelSpec
from auditdm_hub.playground.models import TARGET, model_folder


def spec_of(config: Mapping[str, Any], name: str, place: str = TARGET) -> ModelSpec:
    """Return how a model is loaded and asked.

    Args:
        config: keys of `AuditConfig`; what is missing is as there.
        name: a folder or a model of the Hub, as the configuration names it; "playground" = that of the playground.
        place: which of the playground's.
    """
    models = ModelsConfig.model_validate(config.get("models") or {})

    bits = 4 if is_listed(name, models.four_bit) else 8 if is_listed(name, models.eight_bit) else 0
    how = Loading(
        config.get("device") or "auto", models.dtype, models.attention, bits, is_listed(name, models.spread),
        is_listed(name, models.remote_code),
    )  # fmt: skip
    batch = {key: int(config[key]) for key in ("batch_size", "max_new_tokens") if config.get(key)}
    prompt, family = config.get("answer_prompt") or "", (config.get("families") or {}).get(name)
    folder = str(shipped(model_folder(place))) if name == PLAYGROUND else name
    return ModelSpec(folder, how, prompt, family, **batch)


def is_listed(name: str, names: Sequence[str]) -> bool:
    """Whether a list has a model, with its commit or without."""
    return name in names or split_pin(name)[0] in names


def shipped(folder: Path) -> Path:
    """Return the folder of a model of the playground.

    Raises:
        ModelError: it is not there.
    """
    if not (folder / "config.json").is_file():
        raise ModelError(f"the playground's model {folder.name} is not there: make playground-models builds it anew")
    return folder


def as_another(config: Mapping[str, Any], name: str, other: str) -> dict[str, Any]:
    """Return the configuration with a model that is loaded, asked and counted as another one is: its repaired copy."""
    models, families = dict(config.get("models") or {}), dict(config.get("families") or {})
    for key, names in models.items():
        if isinstance(names, list | tuple) and is_listed(name, names):
            models[key] = [*names, other]
    if name in families:
        families[other] = families[name]
    return {**config, "models": models, "families": families}
