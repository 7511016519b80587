"""Curation of audits of the playground, held against the planted gaps.

    python -m benchmarks.curation_quality RUN [RUN ...] [--markdown]

The rows are the true failures of a run; their class is the planted gap. Compared are clusterings of the question alone
(the baseline), of question and contrast (what curation clusters on), each cut at several numbers of clusters, and the
types that curation names. "Noise" is what no type explains; it counts as a class of its own, or is left out.

- stability: mean ARI with a clustering of 80% of the rows, and mean of the best Jaccard index of each cluster, over
  ten draws;
- named right: types whose name says which gap most of their members are of; and the share of members in such types;
- duplicates: 150 failures are asked again on the same image, word for word, in other case and punctuation, and in
  another wording of the skill.
"""

import argparse
import json
import random
import resource
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import adjusted_mutual_info_score, adjusted_rand_score, v_measure_score

from auditdm_hub.auditing.generate import read_trials
from auditdm_hub.curate import UNASSIGNED, Curation, curate, load_embedder
from auditdm_hub.curate.cluster import CUTS, grow
from auditdm_hub.curate.features import failure_features
from auditdm_hub.playground.gaps import TARGET_GAPS
from auditdm_hub.playground.skills import parse_question
from auditdm_hub.protocols import Embedder
from auditdm_hub.records import Judged
from auditdm_hub.report.schema import ARMS
from auditdm_hub.runs import Run
from benchmarks.search_success import OUTSIDE, opened, wrongly_answered

Labels = NDArray[np.int64]
WORDS = {
    "counting more than four": ("count", "number"), "telling left from right": ("left", "right"),
    "clock hours 7 to 11": ("clock", "hour"), "purple": ("purple",), "digits 6 and 9": ("digit",),
    "letters p, r and k": ("letter",), "stripes": ("strip",), "size of crosses and stars": ("size", "star", "cross"),
    "arrow up or down": ("arrow",), "die above four": ("dice", "die"), "sums above nine": ("sum", "add"),
    "tallest bar": ("tallest",), "bottom corners": ("corner",), "same color": ("same",), "row 4": ("row",),
    "bar height above three": ("bar", "height"),
}  # fmt: skip
DRAWS, SHARE, REPEATED = 10, 0.8, 150


def true_failures(run: Run, judged: Sequence[Judged], curation: Curation) -> tuple[list[Judged], list[str]]:
    """Return the kept failures that are true ones inside a gap, in the order of the assignments, and their gaps."""
    rows = {row.probe.id: row for row in judged}
    found, gaps = [], []
    for identity in curation.assignments:
        truth = wrongly_answered(run, rows[identity])
        gap = next((each.name for each in TARGET_GAPS if truth and each.member(truth)), OUTSIDE)
        if gap != OUTSIDE:
            found.append(rows[identity])
            gaps.append(gap)
    return found, gaps


def stability(features: NDArray[np.float32], size: int, seed: int) -> tuple[float, float]:
    """Return mean ARI and mean best Jaccard index of the clusters over draws of the rows."""
    rng, whole = np.random.default_rng(seed), grow(features, seed).cut(size)
    agreement, overlap = [], []
    for _ in range(DRAWS):
        drawn = np.sort(rng.choice(len(features), int(SHARE * len(features)), replace=False))
        part = grow(features[drawn], seed).cut(size)
        agreement.append(adjusted_rand_score(whole[drawn], part))
        for cluster in np.unique(whole[drawn]):
            inside = whole[drawn] == cluster
            overlap.append(
                max(float((inside & (part == c)).sum() / (inside | (part == c)).sum()) for c in set(part.tolist()))
            )
    return float(np.mean(agreement)), float(np.mean(overlap))


def rows_of(run: Run, embedder: Embedder) -> tuple[list[tuple[str, ...]], str]:
    """Return a row of figures for each clustering of a run, and lines on names and duplicates."""
    arms = [run.path / "exchanges" / arm for arm in ARMS]
    judged = [row for arm in arms if arm.is_dir() for row in read_trials(arm)]
    begun = time.process_time()
    curation = curate(judged, embedder, None, run.config["seed"])
    seconds = time.process_time() - begun
    failures, gaps = true_failures(run, judged, curation)
    classes = np.unique(gaps, return_inverse=True)[1]
    rows = []
    for name, features in (
        ("question alone", embedder.embed([row.probe.question for row in failures])),
        ("question and contrast", failure_features(failures, embedder, run.config["seed"])),
    ):
        for size in sorted({*CUTS, len(set(gaps))}):
            labels = grow(features, run.config["seed"]).cut(size)
            steady = stability(features, size, run.config["seed"])
            rows.append((f"{name}, {size} clusters", *_scores(classes, labels), "0%", *map("{:.2f}".format, steady)))
    types = np.array([curation.assignments[row.probe.id] for row in failures])
    numbers, assigned = np.unique(types, return_inverse=True)[1], types != UNASSIGNED
    noise = f"{1 - assigned.mean():.0%}"
    rows.append(("types, noise as a class", *_scores(classes, numbers), noise, "", ""))
    rows.append(("types, assigned alone", *_scores(classes[assigned], numbers[assigned]), noise, "", ""))
    lines = [
        naming(types, gaps),
        f"contrast entropy {curation.contrast_entropy:.2f}, {len(curation.cuts)} cuts, {seconds:.1f} CPU-seconds for "
        f"{len(judged):,} trials, peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MiB",
        *duplicates(failures, embedder, run.config["seed"]),
    ]
    return rows, "\n".join(lines)


def _scores(classes: Labels, labels: Labels) -> tuple[str, ...]:
    scores = (adjusted_rand_score, adjusted_mutual_info_score, v_measure_score)
    return tuple(f"{score(classes, labels):.2f}" for score in scores)


def naming(types: NDArray[np.str_], gaps: Sequence[str]) -> str:
    """Return how many types, and members, have a name that says what most of the type's members are of."""
    held = {kind: Counter(gap for own, gap in zip(types, gaps, strict=True) if own == kind) for kind in set(types)}
    held.pop(UNASSIGNED, None)
    right = {kind: any(w in kind.lower() for w in WORDS[held[kind].most_common(1)[0][0]]) for kind in held}
    members = sum(count.total() for count in held.values())
    named = sum(held[kind].total() for kind in held if right[kind])
    missed = [f"{str(kind)!r} for {held[kind].most_common(1)[0][0]}" for kind in sorted(right) if not right[kind]]
    share = f"{named / max(1, members):.0%} of their members"
    return (
        f"named right: {sum(right.values())} of {len(right)} types, {share}"
        + "; not: " * bool(missed)
        + ", ".join(missed)
    )


def duplicates(failures: Sequence[Judged], embedder: Embedder, seed: int) -> list[str]:
    """Return precision, recall and F1 for each kind of repetition, and the distinct failures that are lost."""
    rng, lines = random.Random(seed), []
    chosen = rng.sample(list(failures), min(REPEATED, len(failures)))
    for kind, again in (("exact", _exact), ("lexical", _lexical), ("paraphrase", _paraphrase)):
        repeated = [(row, text) for row in chosen if (text := again(row.probe.question, rng))]
        added = [replace_question(row, text, number) for number, (row, text) in enumerate(repeated)]
        before = set(curate(failures, embedder, None, seed).dropped)
        dropped = curate([*failures, *added], embedder, None, seed).dropped
        twins = {row.probe.id: fresh.probe.id for (row, _), fresh in zip(repeated, added, strict=True)}
        # Of a pair, the one with the higher id is dropped.
        hit = sum(old in dropped or new in dropped for old, new in twins.items())
        lost = sum(name not in twins and name not in twins.values() for name in set(dropped) - before)
        precision, recall = hit / max(1, hit + lost), hit / max(1, len(twins))
        f1 = 2 * precision * recall / max(1e-9, precision + recall)
        lines.append(
            f"duplicates, {kind}: precision {precision:.2f}, recall {recall:.2f}, F1 {f1:.2f} of {len(twins)}, "
            f"{lost} distinct failures lost"
        )
    return lines


def replace_question(row: Judged, question: str, number: int) -> Judged:
    """Return the trial with another question, as another attempt."""
    probe = replace(row.probe, question=question, text=f"{row.probe.text} {number}", attempt=1000 + number)
    return replace(row, exchange=replace(row.exchange, probe=probe))


def _exact(question: str, rng: random.Random) -> str:
    del rng
    return question


def _lexical(question: str, rng: random.Random) -> str:
    return rng.choice((question.upper(), question.capitalize().rstrip("?.") + " ?", f"  {question.replace(' ', '  ')}"))


def _paraphrase(question: str, rng: random.Random) -> str:
    parsed = parse_question(question)
    if parsed is None:
        return ""
    skill, slots = parsed
    others = [text for wording in skill.wordings if (text := wording.format(**slots)) != question]
    return rng.choice(others) if others else ""


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the figures of some runs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args(arguments)
    embedder, told = load_embedder(), {}
    for path in chosen.runs:
        told[str(path)] = rows_of(opened(path), embedder)
    if chosen.json:
        json.dump(told, sys.stdout, indent=1)
        return
    for name, (rows, lines) in told.items():
        sys.stdout.write(f"{name}\n\n| clustering | ARI | AMI | V | noise | stable ARI | stable Jaccard |\n")
        sys.stdout.write("| --- | ---: | ---: | ---: | ---: | ---: | ---: |\n")
        sys.stdout.writelines(f"| {' | '.join(row)} |\n" for row in rows)
        sys.stdout.write(f"\n{lines}\n\n")


if __name__ == "__main__":
    main()
