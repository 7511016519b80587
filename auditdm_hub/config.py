"""The configuration of an audit: one validated, frozen object, made of a preset, a YAML file and flags, in this order.

Every error names where the value stands (file and line, or the option), what was got and what was wanted.
"""

import difflib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self, cast

from pydantic import BaseModel, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from auditdm_hub.config_file import ConfigFile, read_config_file
from auditdm_hub.config_sections import (
    Count,
    DiffusionConfig,
    EndpointsConfig,
    Flag,
    ModelsConfig,
    Name,
    Positive,
    PromptsConfig,
    RectificationConfig,
    Section,
    TrainingConfig,
    impossible,
)
from auditdm_hub.errors import ConfigError
from auditdm_hub.presets import preset_path
from auditdm_hub.records import ROLES, Action

PLAYGROUND = "playground"
NO_MODEL = "none"
# No result depends on these, so a run may be resumed with others.
FREE_KEYS = frozenset({"answer_timeout", "endpoints", "out", "device", "report_to", "rectification"})
# The words for a reader of YAML, where pydantic's are for a reader of Python.
WANTED = {
    "dict_type": "`key: value` pairs",
    "invalid_key": "text as a key",
    "model_type": "a section of `key: value` lines",
    "string_too_short": "some text",
    "string_type": "text (in quotes if it looks like a number)",
    "too_short": "at least one item",
    "tuple_type": "a list",
}


PROMPT_WANTED = "text with {question} in it once"


class AuditConfig(Section):
    """Everything that an audit depends on. Models are a name on the Hub, a local folder, or "playground"."""

    target: Name = PLAYGROUND
    references: tuple[Name, ...] = ()
    """The models that vote, by family; none = those of the playground."""
    holdout: str = ""
    """A reference that is never in the vote: shows whether the auditor learned to game the ensemble. "" = that of
    the playground beside its references; "none" = no model at all."""
    auditor: Name = PLAYGROUND
    """A base model, or the run folder of an auditor that was trained before."""
    known: tuple[Name, ...] = ()
    """Runs whose failure types are known: an auditor in training is paid nothing for more of them."""
    pool: Name = PLAYGROUND
    """The images: the playground, a folder, or a data set that `datasets` loads."""
    columns: dict[str, str] = {}
    """Which column of the pool holds what: image, caption, question, answer."""
    pool_license: str = ""
    pool_size: Positive
    image_side: Count = 1024
    """The most pixels of an image's longer side: what is larger is scaled down when it comes into the pool; 0 = any."""
    pool_balance: Annotated[float, Field(ge=0)] = 0.0
    """The most images for one kind of question, in even shares, while there are others; 0 = as the pool comes."""
    probes: Positive
    """Trials of each auditor."""
    probe_temperature: Annotated[float, Field(gt=0)] = 1.0
    """Of every auditor's sampling in probing; training has its own."""
    question_share: Annotated[float, Field(gt=0, le=1)] = 0.016
    """The most of the trained auditor's trials that may have the same words; 1 = all of them."""
    steps: Count
    """Optimiser steps of the auditor's training; 0 = the auditor as it is."""
    seed: Count = 0
    out: str = ""
    device: str = "auto"
    baseline: Flag = True
    """Whether prompt-only and random auditors get the same images and budget."""
    actions: Annotated[tuple[Action, ...], Field(min_length=1)]
    quorum: Count = 0
    """How many reference families must agree; 0 = more than half of them."""
    judge: Name
    """Whether two answers mean the same: "vqa" (normalised text), "embedding", or a model that is asked."""
    embedder: Name = "default"
    generator: Name
    editor: Name
    gate: str = ""
    """A model that is asked whether a new picture shows what its caption or edit says; "" = nobody is."""
    report_to: Literal["none", "trackio", "wandb", "tensorboard"] = "none"
    batch_size: Positive
    max_new_tokens: Positive
    answer_timeout: Annotated[float, Field(ge=0)] = 0.0
    """Seconds that a model has for a batch of up to 256 questions; 0 = as long as it takes."""
    answer_prompt: str = ""
    """Text around "{question}" for target and references that have a chat template; "" = the question alone."""
    families: dict[str, str] = {}
    """Model, as it is named here: family whose vote it casts, where its architecture or its name does not tell."""
    models: ModelsConfig = ModelsConfig()
    endpoints: EndpointsConfig = EndpointsConfig()
    drawing: DiffusionConfig = DiffusionConfig()
    """How the generator draws, if it is a pipeline of diffusers."""
    editing: DiffusionConfig = DiffusionConfig()
    """How the editor edits, if it is one."""
    training: TrainingConfig
    rectification: RectificationConfig = RectificationConfig()
    prompts: PromptsConfig = PromptsConfig()

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if not re.fullmatch(r"auto|cpu|mps|cuda(:\d+)?", self.device):
            raise impossible("device", self.device, "auto, cpu, mps, cuda or cuda:0")
        unknown = next((role for role in self.columns if role not in ROLES), None)
        if unknown is not None:
            raise impossible(f"columns.{unknown}", self.columns[unknown], f"one of the roles {', '.join(ROLES)}")
        if len(set(self.actions)) < len(self.actions):
            raise impossible("actions", list(self.actions), "each action once")
        if len(set(self.references)) < len(self.references):
            raise impossible("references", list(self.references), "each model once")
        if self.target in self.references:
            raise impossible("references", self.target, "models other than the target")
        if self.holdout and self.holdout in (self.target, *self.references):
            raise impossible("holdout", self.holdout, "a model that is neither the target nor a reference")
        if self.references and self.quorum > len(self.references):
            raise impossible("quorum", self.quorum, f"at most {len(self.references)}, the number of references")
        return self

    @model_validator(mode="after")
    def _askable(self) -> Self:
        if "://" in self.auditor:
            raise impossible("auditor", self.auditor, "a folder or a model of the Hub: a server's cannot be trained")
        if 0 < self.pool_balance < 1:
            raise impossible("pool_balance", self.pool_balance, "0, or at least 1")
        if not is_answer_prompt(self.answer_prompt):
            raise impossible("answer_prompt", self.answer_prompt, PROMPT_WANTED)
        odd = next((server for server, name in self.endpoints.keys.items() if not is_key_of(server, name)), None)
        if odd is not None:  # what it names may be the key itself, which belongs on no screen
            wanted = "the host of a server in small letters: the name of an environment variable"
            raise impossible("endpoints.keys", odd, wanted)
        priced = {name.rpartition("#")[2] for name in self.endpoints.prices}
        unpriced = next((name for name in self._asked() if "#" in name and name.rpartition("#")[2] not in priced), "")
        if self.endpoints.max_cost and unpriced:
            raise impossible(
                "endpoints.max_cost", self.endpoints.max_cost, f"a price of {unpriced} in endpoints.prices"
            )
        return self

    def _asked(self) -> tuple[str, ...]:
        return (self.target, *self.references, self.holdout, self.judge, self.gate)


def is_key_of(server: str, variable: str) -> bool:
    """Whether these can be a host, with a port or without, and the name of the environment variable of its key."""
    return bool(re.fullmatch(r"[a-z0-9.\-]+(:\d+)?|\[[0-9a-f:]+\](:\d+)?", server) and variable.isidentifier())


def is_answer_prompt(text: str) -> bool:
    """Whether a text can stand around a question; "" = nothing does."""
    return not text or text.count("{question}") == 1


def refuse_answer_prompt(text: str) -> None:
    """Refuse an option that cannot stand around a question.

    Raises:
        ConfigError: "{question}" is not in it once.
    """
    if not is_answer_prompt(text):
        raise ConfigError(f"--answer-prompt: got {text!r}, wanted {PROMPT_WANTED}")


def load_config(
    path: Path | None = None,
    preset: str | None = None,
    overrides: Mapping[str, Any] | None = None,
    own_target: bool = False,
) -> AuditConfig:
    """Merge a preset, a YAML file and overrides, later ones first, and validate the whole.

    Args:
        path: a YAML file with any keys of `AuditConfig`, and `preset`.
        preset: name of a preset; without it the file's `preset`, without that "playground".
        overrides: keys of `AuditConfig`, as the command line's flags give them.
        own_target: the target is an object of the caller's, who knows which pool and references suit it.

    Raises:
        ConfigError: a key is unknown, a value has a wrong type or is impossible, or a model that is not the
            playground's lacks what its audit needs.
    """
    file = ConfigFile(Path(), {}, {}) if path is None else read_config_file(path)
    overrides = dict(overrides or {})
    in_file = dict(file.values)
    named = in_file.pop("preset", PLAYGROUND)
    preset = str(named) if preset is None else preset
    try:
        base = read_config_file(preset_path(preset))
    except ConfigError as error:
        line = file.lines.get("preset")
        raise ConfigError(f"{file.path}:{line}: {error}" if line and preset == named else str(error)) from None
    try:
        config = AuditConfig.model_validate(_merge(_merge(base.values, in_file), overrides))
    except ValidationError as error:
        details = error.errors(include_url=False)
        raise ConfigError("; ".join(_explain(detail, overrides, file, base) for detail in details)) from None
    if not own_target:
        _refuse_incomplete(config, "gemma3-4b" if preset == PLAYGROUND else preset)
    return config


def rectification_of(config: Mapping[str, Any], options: Mapping[str, Any]) -> RectificationConfig:
    """Return how to rectify the target of an audit: its configuration's section, with options in its place.

    Raises:
        ConfigError: an option has an impossible value.
    """
    try:
        return RectificationConfig(**{**config.get("rectification", {}), **options})
    except ValidationError as error:
        found = [_explain_option(detail) for detail in error.errors(include_url=False)]
        raise ConfigError("; ".join(found)) from None


def _explain_option(detail: ErrorDetails) -> str:
    key = str(detail["loc"][0])
    if detail["type"] == "extra_forbidden":
        return f"{key}: unknown, wanted one of {', '.join(RectificationConfig.model_fields)}"
    option = key.removeprefix("lora_").replace("_", "-")
    return f"--{option}: got {detail['input']!r}, wanted {detail['msg'].removeprefix('Input should be ')}"


def _merge(base: Mapping[str, Any], top: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in top.items():
        below = merged.get(key)
        merged[key] = _merge(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return merged


def _explain(detail: ErrorDetails, overrides: Mapping[str, Any], file: ConfigFile, base: ConfigFile) -> str:
    context = detail.get("ctx", {})
    # A validator of a whole section names the key itself.
    keys = [str(part) for part in detail["loc"]] + (context["key"].split(".") if detail["type"] == "impossible" else [])
    where = f"{_location(keys, overrides, file, base)}: {'.'.join(keys)}"
    if detail["type"] == "extra_forbidden":
        known = _known_keys(keys[:-1])
        close = difflib.get_close_matches(keys[-1].replace("-", "_"), known, n=1)
        return f"{where}: unknown key, " + (
            f"did you mean {close[0]}?" if close else f"wanted one of {', '.join(known)}"
        )
    if detail["type"] == "missing":
        return f"{where}: is missing"
    got = context["got"] if detail["type"] == "impossible" else detail["input"]
    wanted = WANTED.get(detail["type"], detail["msg"].removeprefix("Input should be "))
    return f"{where}: got {got!r}, wanted {wanted}"


def _known_keys(section: list[str]) -> list[str]:
    kind = AuditConfig.model_fields[section[0]].annotation if section else AuditConfig
    return list(cast(type[BaseModel], kind).model_fields)


def _location(keys: list[str], overrides: Mapping[str, Any], file: ConfigFile, base: ConfigFile) -> str:
    if keys[0] in overrides:
        return "options"
    for source in (file, base):
        for length in range(len(keys), 0, -1):  # the line of the key, or of what it should stand in
            line = source.lines.get(".".join(keys[:length]))
            if line is not None:
                return f"{source.path}:{line}"
    return str(file.path)


def _refuse_incomplete(config: AuditConfig, preset: str) -> None:
    """Raise if a model from elsewhere would be audited with parts of the playground, which it has never seen."""
    if config.target == PLAYGROUND or _may_speak_playground(Path(config.target.rpartition("#")[2])):
        return
    missing = list(_missing_parts(config))
    if missing:
        raise ConfigError(
            f"an audit of {config.target} needs {', '.join(missing)}; for example: auditdm-hub audit --preset {preset} "
            f"--target {config.target} --reference google/gemma-3-12b-it --pool path/to/photos"
        )


def _may_speak_playground(folder: Path) -> bool:
    """Whether a folder may hold a model of the playground: those know single words, and no pieces of words."""
    if not folder.is_dir():
        return False
    tokenizer = folder / "tokenizer.json"
    return not tokenizer.is_file() or '"WordLevel"' in tokenizer.read_text(errors="replace")


def _missing_parts(config: AuditConfig) -> Iterator[str]:
    if config.pool == PLAYGROUND:
        yield "--pool (images that it can understand)"
    if not config.references:
        yield "--reference (models to compare it with)"
    if config.auditor == PLAYGROUND:
        yield "--auditor (a model that writes questions about photos)"
    makers = {"caption": ("generator", config.generator), "edit": ("editor", config.editor)}
    for action, (key, model) in makers.items():
        if action in cast(tuple[str, ...], config.actions) and model == PLAYGROUND:
            yield f"`{key}:` in a CONFIG file (or `actions:` without {action})"
