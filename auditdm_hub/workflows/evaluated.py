"""The models of an evaluation: loaded by name, behind an endpoint, or an object of the user's own."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditdm_hub.evaluating.benchmark import Ask, Benchmark
from auditdm_hub.models.endpoint import Asking, EndpointVLM, is_endpoint
from auditdm_hub.models.ledger import SPENDING, Ledger
from auditdm_hub.models.prompting import QUESTION
from auditdm_hub.workflows.specs import spec_of

if TYPE_CHECKING:
    from auditdm_hub.models.transformers_vlm import TransformersVLM
    from auditdm_hub.protocols import VisionLanguageModel

AFTER = "after"


class Evaluated:
    """The model of each side; at most one is in memory."""

    def __init__(
        self, config: Mapping[str, Any], own: "VisionLanguageModel | None", adapter: Callable[[], str], folder: Path
    ) -> None:
        """Load nothing yet.

        Args:
            config: `model`, `answer_prompt`, and what `spec_of` reads.
            own: a model in the place of the name.
            adapter: returns the folder of the adapter, for the side "after".
            folder: where tokens of an endpoint are added up.
        """
        self._config, self._own, self._adapter, self._folder = config, own, adapter, folder
        self._loaded: dict[str, TransformersVLM] = {}

    @property
    def is_loaded_here(self) -> bool:
        """Whether the model's weights are loaded by its name."""
        return self._own is None and not is_endpoint(self._name)

    def load(self, side: str) -> "TransformersVLM":
        """Return the model of a side, loaded by name.

        Raises:
            ModelError: it cannot be loaded.
        """
        if side not in self._loaded:
            self._loaded.clear()
            adapter = self._adapter() if side == AFTER else None
            self._loaded[side] = spec_of(self._config, self._name).load(adapter)
        return self._loaded[side]

    def asked(self, side: str, benchmark: Benchmark, as_audited: bool) -> "tuple[VisionLanguageModel, Ask]":
        """Return the model of a side as a benchmark asks it, and what writes its prompts.

        Args:
            side: whose model.
            benchmark: what is asked.
            as_audited: ask as an audit asks, not with the length that the benchmark wants.
        """
        if self._own is not None and side != AFTER:
            return self._own, benchmark.ask(prefix_model=False)
        loaded = self._remote if self._own is None and is_endpoint(self._name) else self.load(side)
        prefix = not isinstance(loaded, EndpointVLM) and loaded.takes_prefix
        return loaded if as_audited else loaded.again(QUESTION, benchmark.max_new_tokens), benchmark.ask(prefix)

    @property
    def _name(self) -> str:
        return str(self._config["model"])

    @property
    def _remote(self) -> EndpointVLM:
        asking = Asking(self._config["answer_prompt"] or QUESTION)
        return EndpointVLM(self._name, asking, Ledger(self._folder / SPENDING, {}))
