"""The models of an evaluation: loaded by name, behind an endpoint, or an object of the user's own."""

from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditdm_hub.cache import AnswerCache, CachedVLM
from auditdm_hub.evaluating.benchmark import Ask, Benchmark
from auditdm_hub.models.endpoint import Asking, EndpointVLM, is_endpoint
from auditdm_hub.models.ledger import SPENDING, Ledger
from auditdm_hub.models.prompting import QUESTION
from auditdm_hub.models.revision import versioned
from auditdm_hub.workflows.evaluation_results import AFTER
from auditdm_hub.workflows.revisions import keep_revision
from auditdm_hub.workflows.specs import spec_of

if TYPE_CHECKING:
    from auditdm_hub.models.transformers_vlm import TransformersVLM
    from auditdm_hub.protocols import VisionLanguageModel

ANSWERS = "answers.sqlite"


class Evaluated:
    """The model of each side; at most one is in memory."""

    def __init__(
        self, config: Mapping[str, Any], own: "VisionLanguageModel | None", adapter: Callable[[], str], folder: Path
    ) -> None:
        """Load nothing yet.

        Args:
            config: `model`, `answer_prompt`, `keys` (of `Asking`), `price` (of a million tokens read, and written),
                `max_cost` (0 = no limit), and what `spec_of` reads.
            own: a model in the place of the name.
            adapter: returns the folder of the adapter, for the side "after".
            folder: where the tokens of an endpoint are added up, and its answers kept.
        """
        self._config, self._own, self._adapter, self._folder = config, own, adapter, folder
        self._loaded: dict[str, TransformersVLM] = {}

    @property
    def is_loaded_here(self) -> bool:
        """Whether the model's weights are loaded by its name."""
        return self._own is None and not is_endpoint(self._name)

    @cached_property
    def remote(self) -> EndpointVLM | None:
        """The model behind an endpoint, if it is one."""
        if self._own is not None or not is_endpoint(self._name):
            return None
        asking = Asking(self._config["answer_prompt"] or QUESTION, keys=self._config["keys"], patience=1)
        return EndpointVLM(self._name, asking, self._ledger)

    @cached_property
    def _ledger(self) -> Ledger:
        price = self._config["price"]
        prices = {self._name: (price[0], price[1])} if price else {}
        return Ledger(self._folder / SPENDING, prices, self._config["max_cost"])

    @cached_property
    def _cache(self) -> AnswerCache:
        return AnswerCache(self._folder / ANSWERS)

    @property
    def cost(self) -> dict[str, float]:
        """Tokens that an endpoint read and wrote, and what they cost if it has a price; {} without an endpoint."""
        if self.remote is None:
            return {}
        tokens = self._ledger.tokens.values()
        found: dict[str, float] = {
            "tokens read": sum(read for read, _ in tokens), "tokens written": sum(written for _, written in tokens),
        }  # fmt: skip
        return {**found, "paid": self._ledger.spent} if self._config["price"] else found

    def close(self) -> None:
        """Close the file of answers, if it was opened."""
        if "_cache" in self.__dict__:
            self._cache.close()

    def load(self, side: str) -> "TransformersVLM":
        """Return the model of a side, loaded by name.

        Raises:
            ModelError: it cannot be loaded, or is another version than when the evaluation began.
        """
        if side not in self._loaded:
            self._loaded.clear()
            adapter = self._adapter() if side == AFTER else None
            self._loaded[side] = spec_of(self._config, self._name).load(adapter)
            base = self._loaded[side].id.removesuffix(f"+{versioned(adapter)}" if adapter else "")
            keep_revision(self._folder, self._name, base)
        return self._loaded[side]

    def asked(self, side: str, benchmark: Benchmark, as_audited: bool) -> "tuple[VisionLanguageModel, Ask]":
        """Return the model of a side as a benchmark asks it, and what writes its prompts.

        Args:
            side: whose model.
            benchmark: what is asked.
            as_audited: ask as an audit asks, not with the length that the benchmark wants.
        """
        if self._own is not None:
            return self._own, benchmark.ask(prefix_model=False)
        if self.remote is not None:  # what was answered was paid for, and is kept whatever happens next
            remote = self.remote if as_audited else self.remote.again(QUESTION, benchmark.max_new_tokens)
            return CachedVLM(remote, self._cache, remote.decoding), benchmark.ask(prefix_model=False)
        loaded = self.load(side)
        asked = loaded if as_audited else loaded.again(QUESTION, benchmark.max_new_tokens)
        return asked, benchmark.ask(loaded.takes_prefix)

    @property
    def _name(self) -> str:
        return str(self._config["model"])
