"""What an audit will cost, said before it starts: texts that auditors write, questions that models answer."""

from collections.abc import Sequence
from pathlib import Path

from auditdm_hub.config import AuditConfig
from auditdm_hub.errors import ConfigError
from auditdm_hub.records import Seed
from auditdm_hub.runs import MANIFEST
from auditdm_hub.workflows.facts import publishable

EXPENSIVE = 50_000
"""Questions to each model from which on an audit must be wanted: hours of a GPU, or a bill of a provider."""


def questions(config: AuditConfig) -> tuple[int, int]:
    """Return the most questions that each model is asked in training and in probing; repeats are not asked again."""
    training = config.steps * config.training.prompts_per_step * config.training.num_generations
    trained = bool(config.steps) or (Path(config.auditor) / MANIFEST).is_file()
    arms = (2 if config.baseline else 0) + (1 if trained or not config.baseline else 0)
    changed = sum(action != "question" for action in config.actions) / len(config.actions)
    return training, round(arms * config.probes * (1 + changed))


def refuse_expensive(config: AuditConfig, yes: bool) -> None:
    """Raise if the audit is expensive and nobody said that it may be.

    Raises:
        ConfigError: with the cost and what to do.
    """
    total = sum(questions(config))
    if total > EXPENSIVE and not yes:
        raise ConfigError(
            f"this audit asks each model up to {total:,} questions: add --yes to start it, or lower --steps or --probes"
        )


def announce(config: AuditConfig, seeds: Sequence[Seed]) -> str:
    """Return a line on the cost of the audit and on whether its result can be published."""
    training, probing = questions(config)
    ok, why = publishable(seeds)
    return (
        f"Up to {training + probing:,} questions to each model ({training:,} in training, {probing:,} in probing). "
        f"Publishable: {'yes' if ok else 'no'}, {why}."
    )
