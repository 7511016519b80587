"""How well curation finds and names planted gaps in synthetic exchanges.

    python -m benchmarks.curation_synthetic [--seeds 5] [--first-seed 0] [--no-taxonomy] [--show]

Each row plants 12-15 gaps at once; "found" matches types and gaps one to one by the Jaccard index (at least .5) of the
exchanges that satisfy the predicate and those in the gap. A gap with fewer than 8 failures counts only
where it is found.
"""

import argparse
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass

from auditdm_hub.curate import Curation, curate, load_embedder, matches
from auditdm_hub.curate.topics import Capability
from auditdm_hub.protocols import Embedder
from auditdm_hub.records import FailureType, Judged
from benchmarks.curation_gaps import GAPS, make_exchanges

SUPPORT = 8
MATCH = 0.5
SHAPES = (("even", 2000), ("even", 1000), ("even", 600), ("skewed", 2000), ("skewed", 1000), ("narrow", 1500))


@dataclass(frozen=True)
class Result:
    """How the types of one curation match the planted gaps."""

    found: dict[str, FailureType]
    missed: tuple[str, ...]
    fragments: tuple[FailureType, ...]
    false: tuple[FailureType, ...]
    misnamed: tuple[str, ...]
    jaccard: float
    top_ten: float


def evaluate(curation: Curation, judged: Sequence[Judged], truth: Sequence[str]) -> Result:
    """Match types and gaps, the best pairs first."""
    gap_of = {row.probe.id: gap for row, gap in zip(judged, truth, strict=True)}
    inside = {gap: {row.probe.id for row in judged if gap_of[row.probe.id] == gap} for gap in set(truth) - {""}}
    failures = {row.probe.id for row in judged if row.failed}
    pairs = []
    for kind in curation.types:
        satisfied = {
            row.probe.id
            for row in judged
            if matches(kind.predicate, row.probe.question, row.verdict.consensus, row.probe.instruction)
        }
        pairs += [(len(satisfied & ids) / len(satisfied | ids), gap, kind) for gap, ids in inside.items()]
    found: dict[str, FailureType] = {}
    scores = []
    for score, gap, kind in sorted(pairs, key=lambda pair: -pair[0]):
        if score >= MATCH and gap not in found and kind not in found.values():
            found[gap] = kind
            scores.append(score)
    others = [kind for kind in curation.types if kind not in found.values()]
    lost = [kind for kind in others if sum(gap_of[member] != "" for member in kind.members) >= len(kind.members) / 2]
    tops = [
        sum(gap_of[member] == gap for member in kind.members[:10]) / len(kind.members[:10])
        for gap, kind in found.items()
    ]
    return Result(
        found=found,
        missed=tuple(gap for gap, ids in sorted(inside.items()) if gap not in found and len(ids & failures) >= SUPPORT),
        fragments=tuple(lost),
        false=tuple(kind for kind in others if kind not in lost),
        misnamed=tuple(gap for gap, kind in found.items() if not GAPS[gap].names(kind.name)),
        jaccard=sum(scores) / max(1, len(scores)),
        top_ten=sum(tops) / max(1, len(tops)),
    )


def run(
    style: str, count: int, seed: int, embedder: Embedder, taxonomy: Sequence[Capability] | None
) -> tuple[Curation, Result, float]:
    """Plant 12-15 gaps, curate, and match; also returns the seconds that curation took."""
    rng = random.Random(seed)
    gaps = rng.sample(sorted(GAPS), rng.randint(12, 15))
    judged, truth = make_exchanges(count, seed, gaps, style)
    start = time.perf_counter()
    curation = curate(judged, embedder, taxonomy=taxonomy)
    seconds = time.perf_counter() - start
    return curation, evaluate(curation, judged, truth), seconds


def main() -> None:
    """Print one row per shape of run, then the null runs."""
    parser = argparse.ArgumentParser(description="How well curation finds and names planted gaps.")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--no-taxonomy", action="store_true", help="name without the shipped taxonomy")
    parser.add_argument("--show", action="store_true", help="print what was missed, misnamed or false")
    chosen = parser.parse_args()
    embedder = load_embedder()
    taxonomy = () if chosen.no_taxonomy else None
    seeds = range(chosen.first_seed, chosen.first_seed + chosen.seeds)
    nulls = range(chosen.first_seed, chosen.first_seed + 2 * chosen.seeds)
    print("| exchanges | gaps found | rightly named | fragments | false types | Jaccard | P@10 | seconds |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for style, count in SHAPES:
        runs = [run(style, count, seed, embedder, taxonomy) for seed in seeds]
        results = [result for _, result, _ in runs]
        found, missed = sum(len(r.found) for r in results), sum(len(r.missed) for r in results)
        named = found - sum(len(r.misnamed) for r in results)
        fragments, false = sum(len(r.fragments) for r in results), sum(len(r.false) for r in results)
        print(
            f"| {count} {style} | {found}/{found + missed} | {named}/{found} | {fragments} | {false} "
            f"| {sum(r.jaccard for r in results) / len(results):.2f} "
            f"| {sum(r.top_ten for r in results) / len(results):.2f} | {max(s for *_, s in runs):.1f} |"
        )
        for seed, result in zip(seeds, results if chosen.show else [], strict=False):
            print(f"  seed {seed}: missed {result.missed}")
            for label, kinds in (("fragment", result.fragments), ("false", result.false)):
                for kind in kinds:
                    print(f"    {label}: {kind.name} {kind.failures}/{kind.trials} | {kind.predicate.rule}")
            for gap in result.misnamed:
                kind = result.found[gap]
                print(f"    misnamed {gap}: {kind.name} | {kind.predicate.rule}")
    for diffuse in (0.05, 0.15, 0.3):
        for structured in (False, True):
            types = 0
            for seed in nulls:
                judged, _ = make_exchanges(1500, seed, (), "skewed", diffuse=diffuse, structured=structured)
                types += len(curate(judged, embedder, taxonomy=taxonomy).types)
            wrong = "one wrong answer per right one" if structured else "random wrong answers"
            print(f"null, {diffuse:.0%} diffuse errors, {wrong}: {types} types in {len(nulls)} runs of 1500")


if __name__ == "__main__":
    main()
