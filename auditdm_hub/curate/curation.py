"""From judged exchanges to named failure types: the curate stage in one function.

1. Keep failures and agreements; drop rows as told by hand, and duplicates within source images.
2. Cluster the failures (several cuts of one tree); part all questions into topics.
3. Where the wrong answers are as good as random, refuse to name types but on overwhelming evidence: a target that
   guesses on crowds still fails on crowds.
4. Search predicates over all kept exchanges, join and simplify them, name them.
   Where a run's own trials nearly all failed, trials of its training can be searched with them: they contrast, and are
   neither counted nor members.
   Types that other trials suggested are tested as they are, and are types if they hold on these trials too.
5. A failure is a member of the type with the highest certain failure rate among those whose predicate it satisfies,
   one that is bound to a topic before one that is not; the rest stays "unassigned", never forced. Members are ranked by
   closeness to the type's centre.
6. Apply the decisions made by hand.

Everything depends on the rows, the embedder and the seed alone, not on the order of the rows.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from auditdm_hub.curate.cluster import cuts_of, grow
from auditdm_hub.curate.deduplicate import Duplicate, deduplicate
from auditdm_hub.curate.describe import EVIDENCE, find_rules
from auditdm_hub.curate.features import contrast_entropy, failure_features
from auditdm_hub.curate.merge import merge_findings
from auditdm_hub.curate.name import name_findings, state
from auditdm_hub.curate.overrides import Overrides
from auditdm_hub.curate.predicates import Rule, write_rule
from auditdm_hub.curate.proposed import supported
from auditdm_hub.curate.table import Table, tabulate
from auditdm_hub.curate.topics import Capability, describe_topic, find_topics, load_taxonomy
from auditdm_hub.protocols import Embedder
from auditdm_hub.records import FailureType, Judged, Predicate
from auditdm_hub.statistics import wilson

UNASSIGNED = "unassigned"
RANDOM_ENTROPY = 0.97
RANDOM_EVIDENCE = 15.0
"""Nats that a rule must show where the wrong answers are random."""
MIN_TO_JUDGE = 100
"""Failures from which on the contrast entropy can tell random answers."""
STEPS = 5


@dataclass(frozen=True, slots=True)
class Curation:
    """What curation found.

    `assignments`: probe id of each kept failure -> name of its type, or "unassigned". `dropped`: probe id of a
    duplicate -> what it repeats. `cuts`: number of clusters -> cluster of each kept failure, in the order of
    `assignments`. `base_rate`: the failure rate of what no type explains. `refusal`: why no type was named, or "".
    `unused`: decisions made by hand that fitted nothing.
    """

    types: tuple[FailureType, ...]
    assignments: Mapping[str, str]
    dropped: Mapping[str, Duplicate]
    unique_failures: int
    base_rate: float
    contrast_entropy: float
    cuts: Mapping[int, tuple[int, ...]]
    refusal: str = ""
    unused: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Beforehand:
    """What other trials tell, those of a training for instance.

    `contrast`: judged exchanges to search rules over, which are not part of what is described. `proposed`: types that
    they suggested, to be tested as they are, on trials about other images than those (`seen`, by hash) that they had.
    """

    contrast: Sequence[Judged] = ()
    proposed: Sequence[FailureType] = ()
    seen: frozenset[str] = frozenset()


NOTHING = Beforehand()


@dataclass(frozen=True, slots=True)
class _Draft:
    """A type before its members are counted."""

    name: str
    text: str
    rule: Rule
    general: bool = False


def curate(
    judged: Sequence[Judged],
    embedder: Embedder,
    overrides: Overrides | None = None,
    seed: int = 0,
    taxonomy: Sequence[Capability] | None = None,
    progress: Callable[[int, int], None] | None = None,
    *,
    before: Beforehand = NOTHING,
) -> Curation:
    """Return the failure types of a run's judged exchanges.

    Args:
        judged: every exchange that was judged; the outcomes "no_consensus" and "invalid" are passed over.
        embedder: embeds questions and contrasts.
        overrides: decisions made by hand.
        seed: of the clustering.
        taxonomy: capabilities to name types by; the shipped ones if None.
        progress: called with (steps done, steps in all).
        before: what other trials tell.
    """
    tell = progress or (lambda done, total: None)
    overrides = overrides or Overrides()
    known = load_taxonomy() if taxonomy is None else tuple(taxonomy)
    rows = _scored(judged)
    kept = [row for identity, row in rows.items() if identity not in overrides.drop_rows]
    once = deduplicate(kept, embedder.embed([row.probe.question for row in kept]))
    tell(1, STEPS)
    own = [kept[index] for index in once.kept]
    table = tabulate(own)
    searched = _with_contrast(table, _scored(row for row in before.contrast if row.probe.id not in rows), embedder)
    features = failure_features(failures := [row for row in table.judged if row.failed], embedder, seed)
    cuts = cuts_of(grow(features, seed))
    tell(2, STEPS)
    topics = find_topics(searched, embedder, known, seed)
    entropy = contrast_entropy(failures, topics[: len(own)][table.failed].tolist(), seed)
    tell(3, STEPS)
    random = entropy > RANDOM_ENTROPY and len(failures) >= MIN_TO_JUDGE
    evidence = RANDOM_EVIDENCE if random else EVIDENCE
    drafts, base = _draft(searched, topics, known, evidence)
    drafts += _draft_proposed(table, drafts, before, base, evidence)
    refusal = ""
    if random and not drafts:
        refusal = f"the wrong answers are as good as random (contrast entropy {entropy:.2f}): no type can be named"
    tell(4, STEPS)
    drafts, unused = _decide(drafts, overrides)
    unused += [f"drop_rows: {identity}" for identity in sorted(set(overrides.drop_rows) - set(rows))]
    types, assignments = _assign(table, drafts, features)
    tell(5, STEPS)
    return Curation(
        types=types,
        assignments=assignments,
        dropped=once.dropped,
        unique_failures=len(failures),
        base_rate=base,
        contrast_entropy=entropy,
        cuts=cuts,
        refusal=refusal,
        unused=tuple(unused),
    )


def _scored(judged: Iterable[Judged]) -> dict[str, Judged]:
    """Return the failures and agreements by their probe's id, in its order."""
    scored = {row.probe.id: row for row in judged if row.verdict.outcome in ("failure", "agreement")}
    return dict(sorted(scored.items()))


def _with_contrast(table: Table, contrast: Mapping[str, Judged], embedder: Embedder) -> Table:
    """Return a table of the same trials and behind them the others, once each."""
    if not contrast:
        return table
    others = list(contrast.values())
    once = deduplicate(others, embedder.embed([row.probe.question for row in others]))
    return tabulate([*table.judged, *(others[index] for index in once.kept)])


def _draft(
    table: Table, topics: NDArray[np.int64], taxonomy: Sequence[Capability], evidence: float
) -> tuple[list[_Draft], float]:
    described = [
        (topic, describe_topic(table, topics == topic, taxonomy[topic] if topic < len(taxonomy) else None))
        for topic in np.unique(topics).tolist()
    ]
    contexts = [(topic, rule) for topic, rule in described if rule is not None]
    findings, base = find_rules(table, contexts, evidence)
    merged = merge_findings(table, findings, base, named=len(taxonomy))
    names = name_findings(table, merged, taxonomy)
    drafts = [
        _Draft(name, state(finding.rule), (finding.rule,), finding.topic < 0)
        for name, finding in zip(names, merged, strict=True)
    ]
    return drafts, base


def _draft_proposed(
    table: Table, drafts: Sequence[_Draft], before: Beforehand, base: float, evidence: float
) -> list[_Draft]:
    """Return what is new of the types that were proposed: no other explains it, or has its name."""
    if not before.proposed:
        return []
    explained = np.zeros(len(table.judged), bool)
    for draft in drafts:
        explained |= _holds(table, draft)
    seen = np.array([row.probe.source_image_sha in before.seen for row in table.judged], bool)
    names = {draft.name for draft in drafts}
    new = [kind for kind in before.proposed if kind.name not in names]
    return [
        _Draft(kind.name, kind.predicate.text, rule)
        for kind, rule in supported(table, new, (explained, ~seen), base, evidence)
    ]  # fmt: skip


def _holds(table: Table, draft: _Draft) -> NDArray[np.bool_]:
    return np.asarray(np.logical_or.reduce([table.holds(every) for every in draft.rule]))


def _decide(drafts: Sequence[_Draft], overrides: Overrides) -> tuple[list[_Draft], list[str]]:
    """Apply merge, rename and drop; return the drafts and what fitted nothing."""
    named = {draft.name: draft for draft in drafts}
    unused = []
    for name, parts in overrides.merge.items():
        found = [named.pop(part) for part in parts if part in named]
        unused += [f"merge: {name}: {part}" for part in parts if part not in {draft.name for draft in found}]
        if found and name in named:
            unused.append(f"merge: {name}: is another type's name")
            named.update((draft.name, draft) for draft in found)
        elif found:
            named[name] = _Draft(
                name,
                " Or: ".join(draft.text for draft in found),
                tuple(dict.fromkeys(every for draft in found for every in draft.rule)),
            )
    for old, new in overrides.rename.items():
        if old not in named or new in named:
            unused.append(f"rename: {old}")
        else:
            named[new] = replace(named.pop(old), name=new)
    for name in overrides.drop_types:
        if named.pop(name, None) is None:
            unused.append(f"drop_types: {name}")
    return list(named.values()), unused


def _assign(
    table: Table, drafts: Sequence[_Draft], features: NDArray[np.float32]
) -> tuple[tuple[FailureType, ...], dict[str, str]]:
    """Return the types, the largest first, and the type of each failure."""
    failed = np.flatnonzero(table.failed)
    place = {int(row): index for index, row in enumerate(failed)}
    masks = {draft.name: _holds(table, draft) for draft in drafts}
    counted = [
        (draft, int(table.failed[masks[draft.name]].sum()), int(masks[draft.name].sum()))
        for draft in drafts
        if masks[draft.name].any()
    ]
    counted.sort(key=lambda item: (item[0].general, -wilson(item[1], item[2]).low, item[0].name))
    free = table.failed.copy()
    assignments = {table.judged[row].probe.id: UNASSIGNED for row in failed}
    types = []
    for draft, failures, trials in counted:
        own = np.flatnonzero(masks[draft.name] & free)
        free &= ~masks[draft.name]
        if not len(own):
            continue
        vectors = features[[place[int(row)] for row in own]]
        closeness = np.round(vectors @ vectors.mean(axis=0), 5)
        ids = [table.judged[row].probe.id for row in own]
        ranked = tuple(ids[i] for i in sorted(range(len(own)), key=lambda i: (-closeness[i], ids[i])))
        assignments.update(dict.fromkeys(ranked, draft.name))
        low, high = wilson(failures, trials)
        predicate = Predicate(draft.text, write_rule(draft.rule))
        rate = failures / trials
        types.append(FailureType(draft.name, predicate, ranked, len(own), failures, trials, rate, low, high))
    return tuple(sorted(types, key=lambda kind: (-kind.count, kind.name))), assignments
