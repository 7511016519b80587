"""A model that answers, as it is loaded and asked: the same in an audit, when it is repaired, and when it is measured.

What an adapter is trained on has to be asked as it will be asked, and scored on the weights that will answer.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

from auditdm_hub.models.loading import Loading

if TYPE_CHECKING:
    from auditdm_hub.models.shared import SharedBase
    from auditdm_hub.models.transformers_vlm import TransformersVLM


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A folder or a model of the Hub, with how to load it, and what stands around a question.

    `answer_prompt` holds "{question}" once; it is for chat models without a template of their own, "" = the question.
    `family`: whose vote it casts, None = its architecture's.
    """

    name: str
    how: Loading = field(default_factory=Loading)
    answer_prompt: str = ""
    family: str | None = None
    batch_size: int = 64
    max_new_tokens: int = 16

    def on(self, device: str) -> Self:
        """Return the same model for another device."""
        return replace(self, how=replace(self.how, device=device))

    @property
    def options(self) -> Mapping[str, Any]:
        """What `TransformersVLM.load` takes beside the name."""
        return {
            **asdict(self.how), "answer_prompt": self.answer_prompt, "family": self.family,
            "batch_size": self.batch_size, "max_new_tokens": self.max_new_tokens,
        }  # fmt: skip

    def load(self, adapter: str | None = None, shared: "SharedBase | None" = None) -> "TransformersVLM":
        """Load it, with an adapter on it if there is one; or take weights that others have, too.

        Raises:
            ModelError: as `TransformersVLM.load`.
        """
        from auditdm_hub.models.transformers_vlm import TransformersVLM

        return TransformersVLM.load(self.name, adapter=adapter, shared=shared, **self.options)
