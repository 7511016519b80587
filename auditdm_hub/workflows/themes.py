"""Themes for an auditor from the audit's own curation: each failure type, and what is left without one by its kind."""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Container, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from auditdm_hub.auditing.normalise import normalise
from auditdm_hub.auditing.novelty import FRAME_WORDS, WORD, frame
from auditdm_hub.auditing.themes import Theme, worthless
from auditdm_hub.curate import UNASSIGNED, curate
from auditdm_hub.curate.language import fold, words
from auditdm_hub.curate.predicates import Phrases, holds, read_rule
from auditdm_hub.curate.topics import find_capability, load_taxonomy
from auditdm_hub.errors import ConfigError
from auditdm_hub.protocols import Embedder
from auditdm_hub.records import FailureType, Judged
from auditdm_hub.runs import Run

TYPES = "types.json"
SHARED = 0.6
"""Share of a theme's failures from which on a word belongs to its wishes."""
LEAST = 2
"""Failures of one kind from which on a kind without a type is a theme."""


def propose(judged: Sequence[Judged], embedder: Embedder, seed: int, *, final: bool = True) -> list[Theme]:
    """Return the themes that trials give rise to, the most frequent first.

    Unless they are `final`, one failure on which all references agree is enough for a theme: it deserves a second look.
    """
    curation = curate(judged, embedder, None, seed)
    rows = {row.probe.id: row for row in judged}
    themes = [_typed(kind, [rows[member] for member in kind.members]) for kind in curation.types]
    rest = [rows[identity] for identity, name in curation.assignments.items() if name == UNASSIGNED]
    themes += _untyped(rest, single=not final)
    scored = [row for row in judged if row.verdict.outcome in ("failure", "agreement")]
    return [narrow for theme in themes if (narrow := _narrowed(theme, scored))]


def _narrowed(theme: Theme, scored: Sequence[Judged]) -> Theme | None:
    """Return a theme without the answers on which the target seldom fails; None if little is left of it."""
    outcomes: defaultdict[str, list[bool]] = defaultdict(list)
    for row in scored:
        if theme.matches(row.probe.question, row.verdict.consensus):
            outcomes[normalise(row.verdict.consensus)].append(row.failed)
    left_out = {answer for answer, failed in outcomes.items() if worthless(sum(failed), len(failed))}
    kept = [failed for answer, failures in outcomes.items() if answer not in left_out for failed in failures]
    examples = tuple(each for each in theme.examples if normalise(each[1]) not in left_out)
    if not examples or worthless(sum(kept), len(kept)):
        return None
    return replace(
        theme,
        examples=examples,
        matches=lambda question, answer: normalise(answer) not in left_out and theme.matches(question, answer),
        successes=sum(kept),
        trials=len(kept),
    )


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


def _untyped(rest: Sequence[Judged], *, single: bool) -> list[Theme]:
    """Return themes of failures without a type: of questions that are alike, or else of one answer to any question."""
    alike: defaultdict[tuple[str, str], list[Judged]] = defaultdict(list)
    for row in rest:
        alike[_like(row.probe.question), normalise(row.verdict.consensus)].append(row)
    groups: defaultdict[str, list[Judged]] = defaultdict(list)
    lone: defaultdict[str, list[Judged]] = defaultdict(list)
    for (like, answer), found in sorted(alike.items()):
        if len(found) >= LEAST or (single and found[0].verdict.agreement == 1.0):
            groups[like] += found
        else:
            lone[answer] += found
    return [
        *(_of_kind(like, {like}, found) for like, found in groups.items()),
        *(_of_kind("any question", {_like(row.probe.question) for row in found}, found)
          for found in lone.values() if len(found) >= LEAST),
    ]  # fmt: skip


@lru_cache(maxsize=65536)
def _like(question: str) -> str:
    """Return what questions that are alike share: a capability of the taxonomy, or the frame of the sentence."""
    taxonomy = load_taxonomy()
    place = find_capability(question, taxonomy)
    return frame(question) if place is None else taxonomy[place].phrase


def _of_kind(name: str, likes: set[str], found: Sequence[Judged]) -> Theme:
    answers = {normalise(row.verdict.consensus) for row in found}
    kept = _shared([row.probe.question for row in found])
    return Theme(
        f"{name} = {', '.join(sorted(answers))}",
        tuple(sorted({(_held(row.probe.question, kept), normalise(row.verdict.consensus)) for row in found})),
        lambda question: _like(question) in likes,
        lambda question, consensus: _like(question) in likes and normalise(consensus) in answers,
        len(found),
        len(found),
    )


def _typed(kind: FailureType, members: Sequence[Judged]) -> Theme:
    rule = read_rule(kind.predicate.rule)
    questions = tuple(tuple(part for part in conjunction if _of_question(part)) for conjunction in rule)
    phrases = [phrase for conjunction in questions for part in conjunction if isinstance(part, Phrases)
               and part.mode != "lacks any" for phrase in part.phrases]  # fmt: skip
    kept = {word for phrase in phrases for word in words(phrase)} | _shared([row.probe.question for row in members])
    examples = tuple((_held(row.probe.question, kept), row.verdict.consensus) for row in members)
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


def _held(question: str, kept: Container[str]) -> str:
    """Return a question's words of structure and those that are kept, in its order."""
    return " ".join(word for word in WORD.findall(question.lower()) if word in FRAME_WORDS or fold(word) in kept)


def _shared(questions: Sequence[str]) -> set[str]:
    """Return the words that most of the questions hold."""
    counts = Counter(word for question in questions for word in set(words(question)))
    return {word for word, count in counts.items() if count >= SHARED * len(questions)}
