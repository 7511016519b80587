"""The sections of a configuration, and the kinds of value that its keys take."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, Strict, model_validator
from pydantic_core import PydanticCustomError

Name = Annotated[str, Field(min_length=1)]
Flag = Annotated[bool, Strict()]  # otherwise 1, "on" and "y" would pass
Count = Annotated[int, Strict(), Field(ge=0)]
Positive = Annotated[int, Strict(), Field(ge=1)]
Rate = Annotated[float, Field(gt=0, lt=1)]


def impossible(key: str, got: object, wanted: str) -> PydanticCustomError:
    """Return the error of a value that another value of the section rules out."""
    return PydanticCustomError("impossible", "{wanted}", {"key": key, "got": got, "wanted": wanted})


class Section(BaseModel):
    """Frozen, and without a key that is unknown."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class TrainingConfig(Section):
    """How the auditor is trained: GRPO (TRL's names where it has one) with a LoRA adapter."""

    learning_rate: Rate
    min_learning_rate: Annotated[float, Field(ge=0)]
    """Where the cosine decay ends."""
    warmup_ratio: Annotated[float, Field(ge=0, lt=1)]
    """Share of the steps in which the learning rate rises from 0."""
    scheduler: Literal["cosine", "linear", "constant"]
    num_generations: Annotated[int, Strict(), Field(ge=2)]
    """Completions per prompt: the group within which rewards are normalised."""
    prompts_per_step: Positive
    """Prompts per optimiser step over all devices; times `num_generations` = the global batch."""
    temperature: Annotated[float, Field(gt=0)]
    beta: Annotated[float, Strict(), Field(ge=0)]
    """Weight of the KL term; 0 keeps no reference model."""
    lora_rank: Positive
    lora_alpha: Positive
    max_completion_length: Positive
    """Tokens."""
    entropy_target: Annotated[float, Field(ge=0)] = 0.0
    """Nats per token below which TRL's adaptive entropy bonus pushes back; 0 = no bonus."""
    rounds: Positive = 1
    """How often themes are proposed anew from what was found so far; 1 = no themes."""
    choose_images: Flag = True
    """Whether a question is asked for a theme only where the untrained auditor's own answer to it is of the theme."""
    certainty: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Least probability of that answer: where the auditor is less certain, it passes."""
    novelty: Literal["archive", "none"]
    """How repeated probes are paid less; "none" is the paper's plain reward."""
    micro_batch: Count = 0
    """Texts of a forward and backward pass; 0 = 64 on a CPU and 8 on a GPU. Fewer take less memory."""
    save_steps: Positive
    loss_type: Literal["grpo", "dr_grpo", "dapo", "bnpo", "cispo", "sapo", "luspo", "vespo"]
    scale_rewards: Literal["group", "batch", "none"]

    @model_validator(mode="after")
    def _decays(self) -> Self:
        if self.min_learning_rate > self.learning_rate:
            wanted = f"at most learning_rate, {self.learning_rate:g}"
            raise impossible("min_learning_rate", self.min_learning_rate, wanted)
        return self


class PromptsConfig(Section):
    """What the auditor is asked to write, by action; "" = the built-in prompt."""

    question: str = ""
    caption: str = ""
    edit: str = ""


class ModelsConfig(Section):
    """How target, references, holdout and judge are loaded, and but for the bits the auditor, too."""

    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """"auto" = float32 on a CPU, as stored elsewhere."""
    attention: Literal["auto", "eager", "sdpa", "flash_attention_2"] = "auto"
    four_bit: tuple[Name, ...] = ()
    """Models whose weights are held in 4 bits (NF4, bitsandbytes)."""
    eight_bit: tuple[Name, ...] = ()
    """Models whose weights are held in 8 bits."""
    spread: tuple[Name, ...] = ()
    """Models whose layers are spread over all GPUs."""
    remote_code: tuple[Name, ...] = ()
    """Models whose repositories' own code may be run: read it first."""


class DiffusionConfig(Section):
    """How a pipeline of diffusers makes a picture; 0 = as the pipeline has it."""

    steps: Count = 0
    """Of denoising."""
    guidance: Annotated[float, Field(ge=0)] = 0.0
    """Scale of classifier-free or distilled guidance."""
    size: Count = 0
    """Pixels of the longer side."""
    offload: Literal["none", "model", "sequential"] = "none"
    """Whether parts of the pipeline are moved to the GPU one by one, or layer by layer: slower, and less memory."""
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """"auto" = bfloat16 on CUDA, float32 elsewhere."""


class EndpointsConfig(Section):
    """How models behind OpenAI-compatible endpoints are asked; no result depends on it."""

    concurrency: Positive = 8
    """Requests to one model that are open at a time."""
    timeout: Annotated[float, Field(gt=0)] = 120.0
    """Seconds for one try of a request."""
    tries: Positive = 6
    """The most tries of a request, with growing pauses, or as the server asks."""
    prices: dict[str, tuple[Annotated[float, Field(ge=0)], Annotated[float, Field(ge=0)]]] = {}
    """URL#MODEL or MODEL: price of a million tokens read, and of a million written."""
    keys: dict[str, str] = {}
    """Server (host, or host:port): environment variable with its key; none for other servers. {} = OPENAI_API_KEY."""
    max_cost: Annotated[float, Field(ge=0)] = 0.0
    """The cost at which the audit stops, to be resumed; 0 = no limit."""


class RectificationConfig(Section):
    """How the target is repaired with what the audit found; each has a default for models of any size."""

    probes: Count = 0
    """Trials of the trained auditor beyond those of the audit, on more images."""
    pool_questions: Count = 0
    """Images that are asked the pool's questions, own, changed by a word or another's: what is to be kept, mostly."""
    refusals: Count = 0
    """Questions that nearly fit, asked of the target alone: it shall go on refusing those that it refuses."""
    second_look: Count = 0
    """Questions of the pool for target and first adapter; where their answers differ, the references are asked."""
    rows: Annotated[int, Strict(), Field(ge=2)] = 4000
    """Rows to train on, at most."""
    agreement: Annotated[float, Field(ge=0, le=1)] = 0.6
    """Least share of reference families that agree on a label."""
    replay: Annotated[float, Field(ge=0, le=0.95)] = 0.5
    """Share of the rows that the target got right."""
    steps: Positive = 600
    """Optimiser steps, at most."""
    batch_size: Positive = 32
    learning_rate: Rate = 2e-4
    """At its highest."""
    lora_rank: Positive = 32
    lora_alpha: Positive = 64
    adapt: Literal["language", "language and projector", "all"] = "language"
    """Which parts of the target the adapter changes."""
    four_bit: Flag = False
    """Whether the base's weights are held in 4 bits while the adapter is trained."""
    eval_steps: Positive = 50
    """Steps between two looks at the held-out loss."""
    patience: Positive = 4
    """Looks without a better one after which training ends."""
    margin: Annotated[float, Field(ge=0, le=1)] = 0.02
    """Most that may be lost of what it could do, on held-out questions: the adapter is scaled back for it; 1 = any."""
    repair: Annotated[float, Field(ge=0, le=1)] = 1.0
    """Share of held-out failures that is enough, so that the adapter is scaled back further; 1 = no further."""
