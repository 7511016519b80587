"""Turns the names of a configuration into objects: models, judge, embedder, image makers, pool.

A user's own object takes the place of a name: `Parts` holds those that were given. Everything else is loaded when it
is first needed, so that a resumed run loads only what its open stages use.
"""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from auditdm_hub.auditing.auditors import RandomAuditor
from auditdm_hub.auditing.faithful import Gate
from auditdm_hub.auditing.judge import load_judge
from auditdm_hub.auditing.pool import PoolItem
from auditdm_hub.auditing.prompts import DEFAULT_PROMPTS, AuditorPrompts
from auditdm_hub.auditing.texts import generic_texts
from auditdm_hub.cache import AnswerCache, CachedVLM
from auditdm_hub.config import NO_MODEL, PLAYGROUND, AuditConfig
from auditdm_hub.curate import load_embedder
from auditdm_hub.errors import ConfigError, ModelError
from auditdm_hub.models.endpoint import Asking, EndpointVLM, is_endpoint
from auditdm_hub.models.ledger import SPENDING, Ledger
from auditdm_hub.models.loading import Loading
from auditdm_hub.models.prompting import QUESTION
from auditdm_hub.models.revision import versioned
from auditdm_hub.models.timed import PATIENCE, TimedVLM
from auditdm_hub.models.watched import WatchedVLM
from auditdm_hub.records import Action, Seed
from auditdm_hub.runs import MANIFEST, Run
from auditdm_hub.workflows.pools import pool_items
from auditdm_hub.workflows.revisions import keep_revision
from auditdm_hub.workflows.specs import shipped, spec_of

if TYPE_CHECKING:
    from PIL.Image import Image

    from auditdm_hub.models.diffusion import Stage
    from auditdm_hub.models.shared import SharedBase
    from auditdm_hub.models.transformers_vlm import TransformersVLM
    from auditdm_hub.protocols import Auditor, Embedder, ImageEditor, ImageGenerator, Judge, VisionLanguageModel

ADAPTER = Path("auditor") / "adapter"


@dataclass(frozen=True, slots=True)
class Parts:
    """Objects in the place of names; None (or nothing) = what the configuration names is loaded."""

    target: "VisionLanguageModel | None" = None
    references: "tuple[VisionLanguageModel, ...]" = ()
    holdout: "VisionLanguageModel | None" = None
    auditor: "Auditor | None" = None
    judge: "Judge | None" = None
    embedder: "Embedder | None" = None
    generator: "ImageGenerator | None" = None
    editor: "ImageEditor | None" = None
    gate: "VisionLanguageModel | None" = None
    pool: "Iterable[PoolItem] | None" = None


class Cast:
    """The parts of one audit, each loaded when it is first asked for."""

    def __init__(self, config: AuditConfig, parts: Parts, cache: AnswerCache) -> None:
        self._config, self._parts, self._cache = config, parts, cache

    @cached_property
    def target(self) -> "VisionLanguageModel":
        """The model under audit."""
        own = self._parts.target
        return self._timed(own) if own else self._vlm(self._config.target, "target")

    @cached_property
    def references(self) -> "tuple[VisionLanguageModel, ...]":
        """The models that vote."""
        from auditdm_hub.playground.models import REFERENCES

        if self._parts.references:
            return tuple(self._timed(model) for model in self._parts.references)
        names = self._config.references or (PLAYGROUND,) * len(REFERENCES)
        models = [self._vlm(name, place) for name, place in zip(names, REFERENCES * len(names), strict=False)]
        return tuple(_of_one_lineage(models, [is_endpoint(name) for name in names]))

    @cached_property
    def holdout(self) -> "VisionLanguageModel | None":
        """A reference without a vote: the one that is named, none, or the playground's among its own references."""
        if self._parts.holdout:
            return self._timed(self._parts.holdout)
        if self._config.holdout == NO_MODEL or not (self._config.holdout or self._own_references):
            return None
        return self._vlm(self._config.holdout or PLAYGROUND, "holdout")

    @cached_property
    def judge(self) -> "Judge":
        """Who compares answers."""
        if self._parts.judge:
            return self._parts.judge
        name = self._config.judge
        asked = None if name in ("vqa", "embedding") else self._vlm(name, "target")
        return load_judge(name, embedder=self.embedder if name == "embedding" else None, model=asked)

    @cached_property
    def embedder(self) -> "Embedder":
        """Who embeds questions and answers."""
        return self._parts.embedder or load_embedder(self._config.embedder)

    @cached_property
    def generator(self) -> "ImageGenerator | None":
        """Who draws captions; None if there are none."""
        from auditdm_hub.playground.backends import PlaygroundGenerator

        if self._parts.generator or "caption" not in self._config.actions:
            return self._parts.generator
        if self._config.generator == PLAYGROUND:
            return PlaygroundGenerator()
        from auditdm_hub.models.diffusion import DiffusersGenerator, Drawing

        drawing = Drawing(**self._config.drawing.model_dump())
        made = DiffusersGenerator.load(self._config.generator, drawing, self._stage)
        self._keep_revision(self._config.generator, made.revision)
        return made

    @cached_property
    def editor(self) -> "ImageEditor | None":
        """Who edits images; None if there are no edits."""
        from auditdm_hub.playground.backends import PlaygroundEditor

        if self._parts.editor or "edit" not in self._config.actions:
            return self._parts.editor
        if self._config.editor == PLAYGROUND:
            return PlaygroundEditor()
        from auditdm_hub.models.diffusion import DiffusersEditor, Drawing

        editing = Drawing(**self._config.editing.model_dump())
        made = DiffusersEditor.load(self._config.editor, editing, self._stage)
        self._keep_revision(self._config.editor, made.revision)
        return made

    @property
    def makers(self) -> "tuple[tuple[ImageGenerator | ImageEditor | None, bool], ...]":
        """Generator and editor, each with whether it is a model that the configuration names."""
        return (self.generator, self._parts.generator is None), (self.editor, self._parts.editor is None)

    @cached_property
    def gate(self) -> Gate | None:
        """Who looks whether a new picture shows what was asked for; None if nobody does.

        An edit by a pipeline must have changed something at the least: unlike the playground's editor it never says
        that it did not understand.
        """
        if "caption" not in self._config.actions and "edit" not in self._config.actions:
            return None
        if self._parts.gate:
            return Gate(self._timed(self._parts.gate))
        if self._config.gate:
            return Gate(self._vlm(self._config.gate, "target"))
        return Gate(None) if self._parts.editor is None and self._config.editor != PLAYGROUND else None

    @cached_property
    def _stage(self) -> "Stage":
        from auditdm_hub.models.diffusion import Stage

        return Stage(self._config.device)

    @property
    def prompts(self) -> AuditorPrompts:
        """What the auditor is asked: the playground's knows short prompts only."""
        from auditdm_hub.auditing.prompts import PLAYGROUND_PROMPTS

        base = PLAYGROUND_PROMPTS if self._speaks_playground else DEFAULT_PROMPTS
        return base.override(**self._config.prompts.model_dump())

    @cached_property
    def auditor_base(self) -> str:
        """Name or folder of the model that is trained to write probes."""
        from auditdm_hub.playground.models import AUDITOR, model_folder

        name = self._config.auditor
        if self.trained_before:
            name = str(Run.open(Path(name)).config["auditor"])
        return str(shipped(model_folder(AUDITOR))) if name == PLAYGROUND else name

    @cached_property
    def shared(self) -> "SharedBase | None":
        """The weights of the auditor's base, where target or references are the same model, and on a GPU always."""
        if self._parts.auditor or int(os.environ.get("WORLD_SIZE", "1")) > 1:
            return None
        from auditdm_hub.models.shared import SharedBase

        config, base = self._config, SharedBase(self.auditor_base, self.auditor_loading)
        names = (config.target, *config.references, config.holdout, config.judge, config.gate)
        settings = config.model_dump()
        here = (
            spec_of(settings, name).on(self._device)
            for name in names
            if name not in ("", NO_MODEL) and not is_endpoint(name)
        )
        return base if self._device.startswith("cuda") or any(base.serves(spec) for spec in here) else None

    @property
    def trained_base(self) -> "SharedBase":
        """The auditor's base for its training; of several processes each has its own."""
        from auditdm_hub.models.shared import SharedBase

        how, local = self.auditor_loading, os.environ.get("LOCAL_RANK")
        mine = replace(how, device=f"cuda:{local}") if local and how.device == "cuda" else how
        return self.shared or SharedBase(self.auditor_base, mine)

    @property
    def auditor_loading(self) -> Loading:
        """How the auditor is loaded: as `models` says, but never in few bits, for it is trained."""
        return replace(spec_of(self._config.model_dump(), self.auditor_base).on(self._device).how, bits=0)

    @property
    def auditor_id(self) -> str:
        """What stands for the untrained auditor in the report: name@revision."""
        return self._parts.auditor.id if self._parts.auditor else versioned(self.auditor_base)

    @cached_property
    def trained_before(self) -> Path | None:
        """The adapter of the run that the configuration names as auditor; None if it names a base model."""
        folder = Path(self._config.auditor)
        if not (folder / MANIFEST).is_file():
            return None
        if not (folder / ADAPTER).is_dir():
            raise ModelError(f"{folder} holds no trained auditor: its audit had no training, or did not end it")
        if self._config.steps:
            raise ConfigError(
                f"auditor: got the run {folder} with {self._config.steps} steps: add --steps 0 to use its auditor as "
                "it is, or name a base model to train"
            )
        return folder / ADAPTER

    def auditor(self, adapter: Path | None, temperature: float = 0.0) -> "Auditor":
        """Return the auditor with an adapter, or the base model that it starts from; it samples as in probing."""
        if self._parts.auditor:
            return self._parts.auditor
        from auditdm_hub.models.transformers_auditor import TransformersAuditor

        config = self._config
        made = TransformersAuditor.load(
            self.shared or self.auditor_base,
            self.prompts.render,
            adapter,
            self.auditor_loading,
            config.batch_size,
            config.training.max_completion_length,
            temperature or config.probe_temperature,
        )
        self._keep_revision(config.auditor, made.base_id, "auditor")
        return made

    @cached_property
    def answerer(self) -> "VisionLanguageModel | None":
        """The untrained auditor as a model that answers where it is certain; None if it is an object of the user's."""
        certainty = self._config.training.certainty
        return None if self._parts.auditor else self._vlm(self.auditor_base, "auditor", certainty)

    def random_auditor(self, seeds: Sequence[Seed]) -> RandomAuditor:
        """Return the baseline that does not look at the image."""
        from auditdm_hub.playground.backends import random_texts

        if self._config.pool == PLAYGROUND and not self._parts.pool:
            texts: dict[Action, list[str]] = {}
            for action, choices in random_texts(2000, self._config.seed).items():
                texts[action] = choices  # type: ignore[index]
            return RandomAuditor(texts)
        return RandomAuditor(generic_texts(seeds))

    def pool_items(self) -> Iterable[PoolItem]:
        """Return the images that the configuration names, balanced if it wants that."""
        return pool_items(self._config, self._parts.pool)

    @property
    def _own_references(self) -> bool:
        return not self._config.references and not self._parts.references

    @property
    def _speaks_playground(self) -> bool:
        from auditdm_hub.playground.models import AUDITOR, model_folder

        return not self._parts.auditor and Path(self.auditor_base) == model_folder(AUDITOR)

    @property
    def _device(self) -> str:
        from auditdm_hub.models.loading import pick_device

        return str(pick_device(self._config.device))

    def _vlm(self, name: str, place: str, certainty: float = 0.0) -> "VisionLanguageModel":
        from auditdm_hub.models.certain import CertainVLM

        config = self._config
        if is_endpoint(name):
            remote = self._endpoint(name)
            return CachedVLM(remote, self._cache, remote.decoding)
        spec = spec_of(config.model_dump(), name, place).on(self._device)
        shared = self.shared if self.shared and self.shared.serves(spec) else None
        if certainty:
            model: TransformersVLM = CertainVLM.load(spec.name, certainty=certainty, shared=shared, **spec.options)
        else:
            model = spec.load(shared=shared)
        self._keep_revision(name, model.id, place)
        watched = self._timed(WatchedVLM(model), 1 if shared else PATIENCE)
        return CachedVLM(watched, self._cache, model.decoding)

    def _keep_revision(self, name: str, identity: str, place: str = "") -> None:
        keep_revision(Path(self._config.out), f"{name}: {place}" if name == PLAYGROUND else name, identity)

    def _endpoint(self, name: str) -> EndpointVLM:
        config, asked = self._config, self._config.endpoints
        template = config.answer_prompt or QUESTION
        asking = Asking(template, config.max_new_tokens, asked.concurrency, asked.timeout, asked.tries, asked.keys)
        return EndpointVLM(name, asking, self.ledger, config.families.get(name, ""))

    @cached_property
    def ledger(self) -> Ledger:
        """What endpoints were paid."""
        asked = self._config.endpoints
        return Ledger(Path(self._config.out) / SPENDING, asked.prices, asked.max_cost)

    def _timed(self, model: "VisionLanguageModel", patience: int = PATIENCE) -> "VisionLanguageModel":
        seconds = self._config.answer_timeout
        return TimedVLM(model, seconds, patience) if seconds else model


def _of_one_lineage(models: "Sequence[VisionLanguageModel]", remote: Sequence[bool]) -> "list[VisionLanguageModel]":
    """Give a model behind an endpoint ("qwen") the family of one that is here ("qwen3_vl"): they have one vote."""
    here = [model.family for model, far in zip(models, remote, strict=True) if not far]
    found: list[VisionLanguageModel] = []
    for model, far in zip(models, remote, strict=True):
        same = next((family for family in here if far and family.startswith(model.family)), "")
        found.append(OfFamily(model, same) if same else model)
    return found


@dataclass(frozen=True, slots=True)
class OfFamily:
    """A model that votes for another family than it says."""

    model: "VisionLanguageModel"
    family: str

    @property
    def id(self) -> str:
        """That of the model."""
        return self.model.id

    def answer(self, images: "Sequence[Image]", questions: Sequence[str]) -> list[str | None]:
        """Answer as the model does."""
        return self.model.answer(images, questions)
