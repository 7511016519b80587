"""Themes for an auditor from the audit's own curation: each failure type, and what is left without one by its kind."""

import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

from auditdm_hub.auditing.novelty import frame, kind_of
from auditdm_hub.auditing.themes import Theme
from auditdm_hub.curate import UNASSIGNED, curate
from auditdm_hub.curate.language import words
from auditdm_hub.curate.predicates import Phrases, contains, holds, read_rule
from auditdm_hub.errors import ConfigError
from auditdm_hub.protocols import Embedder
from auditdm_hub.records import FailureType, Judged
from auditdm_hub.runs import Run

TYPES = "types.json"
LEAST = 2
"""Failures of one kind from which on a kind without a type is a theme."""


def propose(judged: Sequence[Judged], embedder: Embedder, seed: int) -> list[Theme]:
    """Return the themes that trials give rise to, the most frequent first."""
    curation = curate(judged, embedder, None, seed)
    rows = {row.probe.id: row for row in judged}
    themes = [_typed(kind, [rows[member] for member in kind.members]) for kind in curation.types]
    rest: defaultdict[str, list[Judged]] = defaultdict(list)
    for identity, name in curation.assignments.items():
        if name == UNASSIGNED:
            rest[_frame_and_contrast(rows[identity])].append(rows[identity])
    asked: defaultdict[str, int] = defaultdict(int)
    for row in judged:
        asked[frame(row.probe.question)] += 1
    themes += [_untyped(found, asked) for _, found in sorted(rest.items()) if len(found) >= LEAST]
    return themes


def known_types(runs: Sequence[str]) -> Callable[[Judged], bool] | None:
    """Return what tells whether a failure is of a type that one of these runs found; None for no runs.

    Raises:
        RunError: a folder is no run.
        ConfigError: a run has named no failure types yet.
    """
    rules = []
    for folder in runs:
        file = Run.open(Path(folder)).path / TYPES
        if not file.is_file():
            raise ConfigError(f"known: {folder} has no failure types: its audit did not come so far")
        rules += [read_rule(kind["predicate"]["rule"]) for kind in json.loads(file.read_text())["types"]]
    if not runs:
        return None
    return lambda row: any(
        holds(rule, row.probe.question, row.verdict.consensus, row.probe.instruction) for rule in rules
    )


def _frame_and_contrast(row: Judged) -> str:
    return f"{frame(row.probe.question)} | {row.verdict.consensus}"


def _typed(kind: FailureType, members: Sequence[Judged]) -> Theme:
    rule = read_rule(kind.predicate.rule)
    questions = tuple(tuple(part for part in conjunction if _of_question(part)) for conjunction in rule)
    phrases = [phrase for conjunction in questions for part in conjunction if isinstance(part, Phrases)
               and part.mode != "lacks any" for phrase in part.phrases]  # fmt: skip
    examples = tuple((_held(row.probe.question, phrases), row.verdict.consensus) for row in members)
    return Theme(
        kind.name,
        examples,
        lambda question: holds(questions, question, ""),
        lambda question, consensus: holds(rule, question, consensus),
        kind.failures,
        kind.trials,
    )


def _of_question(part: object) -> bool:
    return isinstance(part, Phrases) and part.field == "question"


def _held(question: str, phrases: Sequence[str]) -> str:
    """Return the phrases that a question holds, in its order."""
    text = words(question)
    found = sorted({phrase for phrase in phrases if contains(text, words(phrase))}, key=question.find)
    return " ".join(found)


def _untyped(found: Sequence[Judged], asked: dict[str, int]) -> Theme:
    like, answer = frame(found[0].probe.question), found[0].verdict.consensus
    kept = " ".join(word for word in like.split() if word not in "_#")
    return Theme(
        kind_of(found[0]) + f" = {answer}",
        ((kept, answer),),
        lambda question: frame(question) == like,
        lambda question, consensus: frame(question) == like and consensus == answer,
        len(found),
        asked[like],
    )
