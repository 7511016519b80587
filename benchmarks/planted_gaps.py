"""Targets with weaknesses that are known: which of them does an audit find, name, and invent?

    python -m benchmarks.planted_gaps [--seed 0] [--targets 10] [--nulls 2] [--json]

Ten targets are a copy of the holdout reference, which never votes, taught to fail on one to three predicates that are
drawn by the seed; two null targets err in 10 to 20% of their answers whatever is asked. Each is audited with the
default preset. Types and planted gaps are matched one to one. `--seed` takes several numbers, which are pooled.

- recall: planted gaps with a type, most of whose true failures lie in the gap;
- false discoveries: types whose true error, on up to 1,000 fresh questions that satisfy the predicate, is less than 10
  points above that on the others; with exact 95% bounds;
- precision_at_10: of a matched type's ten most typical members, those that lie in the gap;
- name_accuracy: matched types whose name says what was planted.

Targets and runs lie in `--out`; the scores are kept in `--results`, and what is there is not run again.
"""

import argparse
import hashlib
import json
import random
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL.Image import Image
from rich.console import Console
from rich.table import Table
from scipy.optimize import linear_sum_assignment

from auditdm_hub import audit
from auditdm_hub.atomic import atomic_write_json
from auditdm_hub.auditing.generate import read_trials
from auditdm_hub.auditing.normalise import normalise
from auditdm_hub.curate.predicates import holds, read_rule
from auditdm_hub.models import load_vlm
from auditdm_hub.playground.build.gapped import Drawn, draw_gaps, plant
from auditdm_hub.playground.draw import draw, read
from auditdm_hub.playground.models import model_folder
from auditdm_hub.playground.sample import sample_question, sample_scene
from auditdm_hub.playground.skills import Answered, parse_question, solve
from auditdm_hub.protocols import VisionLanguageModel
from auditdm_hub.records import Judged
from auditdm_hub.runs import Run
from auditdm_hub.statistics import clopper_pearson
from auditdm_hub.workflows import Watcher

BASE, FAMILY = "holdout", "aya_vision"
RESULTS = Path("benchmarks/results/planted_gaps.json")
EXCESS = 0.10
ORACLE_SCENES, ORACLE_ITEMS = 3000, 1000
MATCHED = 0.5
"""Share of a type's true failures that must lie in a gap for a match."""
TOP = 10
Item = tuple[Image, str, Answered]


@dataclass(frozen=True, slots=True)
class Diffuse:
    """A null target: errs in a share of its answers, whatever is asked; which, depends on picture and question."""

    model: VisionLanguageModel
    rate: float
    id: str
    family: str = "aya_vision"

    def answer(self, images: Sequence[Image], questions: Sequence[str]) -> list[str | None]:
        """Answer as the model does, and at times with a word that fits as well."""
        said = self.model.answer(images, questions)
        rows = zip(images, questions, said, strict=True)
        return [self._one(image, question, answer or "") for image, question, answer in rows]

    def _one(self, image: Image, question: str, answer: str) -> str:
        seed = hashlib.sha256(f"{self.id} {question}".encode() + image.tobytes()).digest()
        rng = random.Random(seed)
        others = [word for word in alternatives(question) if word != answer]
        return rng.choice(others) if others and rng.random() < self.rate else answer


@cache
def _heard() -> dict[str, set[str]]:
    heard: dict[str, set[str]] = {}
    for _, question, truth in oracle(400, seed=99):
        heard.setdefault(skill_of(question), set()).add(truth.answer)
    return heard


def skill_of(question: str) -> str:
    """Return the skill that a question is of; "" for none."""
    found = parse_question(question)
    return found[0].name if found else ""


def alternatives(question: str) -> list[str]:
    """Return the answers that questions of this skill have elsewhere."""
    return sorted(_heard().get(skill_of(question), set()))


def oracle(scenes: int, seed: int) -> list[Item]:
    """Return fresh questions with their truth."""
    rng = random.Random(f"oracle {seed}")
    items: list[Item] = []
    for _ in range(scenes):
        scene = sample_scene(rng, unseen=True)
        picture = draw(scene)
        for _ in range(20):
            found = sample_question(scene, rng)
            truth = solve(scene, found[0]) if found else None
            if found and truth:
                items.append((picture, found[0], truth))
    return items


@dataclass(frozen=True, slots=True)
class Found:
    """A type of one target: what it was matched with, how often it is true, and whether its name is right."""

    name: str
    rule: str
    gap: str
    in_gap_of_top: tuple[int, int]
    name_right: bool
    excess: float
    items: int

    @property
    def false(self) -> bool:
        """Whether the target is hardly worse there than elsewhere."""
        return self.excess < EXCESS


@dataclass(frozen=True, slots=True)
class TargetScore:
    """One target: its gaps, the types that its audit found, and what the audit cost."""

    name: str
    gaps: tuple[str, ...]
    accuracy: dict[str, float]
    types: tuple[Found, ...]
    success: dict[str, float]
    consensus: tuple[int, int]
    unique_failures: int
    answers: int


def make_target(folder: Path, seed: int, number: int) -> tuple[tuple[Drawn, ...], dict[str, float]]:
    """Draw gaps and teach them, unless that is done; return them with the accuracy inside."""
    drawn = draw_gaps(random.Random(f"planted gaps {seed} {number}"))
    known = folder / "planted.json"
    if not known.is_file():
        gaps = [each.gap for each in drawn]
        measured = plant(model_folder(BASE), FAMILY, gaps, folder, 100 * seed + number)
        shares = {name: accuracy.share for name, accuracy in measured.gaps.items()}
        known.write_text(json.dumps(shares))
    return drawn, json.loads(known.read_text())


def audited(target: VisionLanguageModel | Path, out: Path, seed: int) -> Run:
    """Audit a target with the default preset, or go on with that audit."""
    named = str(target) if isinstance(target, Path) else target
    say = Watcher(lambda line: None, lambda name: lambda done, total: None)
    return audit(target=named, out=str(out), seed=seed, resume=True, watcher=say)


def score(run: Run, drawn: Sequence[Drawn], target: VisionLanguageModel, accuracy: dict[str, float]) -> TargetScore:
    """Hold the types of a run against what was planted."""
    results = run.results()
    rows = {row.probe.id: row for arm in ("prompt_only", "random", "trained")
            for row in read_trials(run.path / "exchanges" / arm)}  # fmt: skip
    truths = {identity: _truth(run, row) for identity, row in rows.items()}
    kinds = json.loads((run.path / "types.json").read_text())["types"]
    members = [[(rows[m], truths[m]) for m in kind["members"]] for kind in kinds]
    matches = _match(members, drawn)
    bank = oracle(ORACLE_SCENES, run.config["seed"])
    types = []
    for number, kind in enumerate(kinds):
        match = matches.get(number)
        top = [_in(match, *pair) for pair in members[number][:TOP]] if match else []
        name = kind["name"].lower()
        above, items = _excess(kind["predicate"]["rule"], bank, target)
        named = match is not None and all(any(word in name for word in group) for group in match.words)
        types.append(Found(kind["name"], kind["predicate"]["rule"], match.gap.name if match else "",
                           (sum(top), len(top)), named, above, items))  # fmt: skip
    agreed = [(row, truths[i]) for i, row in rows.items() if row.verdict.consensus and truths[i]]
    right = sum(normalise(row.verdict.consensus) == truth.answer for row, truth in agreed if truth)
    return TargetScore(
        name=run.path.name,
        gaps=tuple(each.gap.name for each in drawn),
        accuracy=accuracy,
        types=tuple(types),
        success={arm: part["rate"] for arm, part in results["search_success"].items() if part},
        consensus=(right, len(agreed)),
        unique_failures=results["unique_failures"],
        answers=int(sum(results["cost"].values())),
    )


def _truth(run: Run, row: Judged) -> Answered | None:
    scene = read(run.images.get(row.probe.image_sha)) if not row.probe.fault else None
    return solve(scene, row.probe.question) if scene else None


def _in(drawn: Drawn | None, row: Judged, truth: Answered | None) -> bool:
    """Whether a member of a type is a true failure inside a gap."""
    wrong = truth is not None and normalise(row.exchange.target_answer or "") != truth.answer
    return drawn is not None and truth is not None and wrong and drawn.gap.member(truth)


def _match(members: Sequence[Sequence[tuple[Judged, Answered | None]]], drawn: Sequence[Drawn]) -> dict[int, Drawn]:
    """Match types and gaps one to one by the failures that they share; most of a type must lie in its gap."""
    if not members or not drawn:
        return {}
    shared = np.array([[sum(_in(each, *pair) for pair in part) for each in drawn] for part in members])
    rows, columns = linear_sum_assignment(-shared)
    return {
        int(row): drawn[column]
        for row, column in zip(rows, columns, strict=True)
        if shared[row, column] >= max(1, MATCHED * len(members[row]))
    }


def _excess(rule: str, bank: Sequence[Item], target: VisionLanguageModel) -> tuple[float, int]:
    """Return the true error where a rule holds less that elsewhere, and the number of items where it holds."""
    read_as = read_rule(rule)
    inside = [item for item in bank if holds(read_as, item[1], item[2].answer)][:ORACLE_ITEMS]
    outside = [item for item in bank if not holds(read_as, item[1], item[2].answer)][:ORACLE_ITEMS]
    return (_error(inside, target) - _error(outside, target), len(inside)) if inside else (0.0, 0)


def _error(items: Sequence[Item], target: VisionLanguageModel) -> float:
    said = target.answer([image for image, _, _ in items], [question for _, question, _ in items])
    wrong = [normalise(answer or "") != truth.answer for answer, (_, _, truth) in zip(said, items, strict=True)]
    return sum(wrong) / len(wrong)


def pooled(scores: Sequence[TargetScore]) -> dict[str, object]:
    """Return the figures over all targets."""
    gaps = sum(len(score.gaps) for score in scores)
    types = [kind for score in scores for kind in score.types]
    matched = [kind for kind in types if kind.gap]
    false = sum(kind.false for kind in types)
    top = [sum(kind.in_gap_of_top[place] for kind in matched) for place in (0, 1)]
    right, agreed = (sum(score.consensus[place] for score in scores) for place in (0, 1))
    low, high = clopper_pearson(false, len(types)) if types else (0.0, 1.0)
    return {
        "recall": len(matched) / gaps if gaps else None,
        "false_discovery_rate": false / len(types) if types else 0.0,
        "false_discovery_bounds": [low, high],
        "precision_at_10": top[0] / top[1] if top[1] else None,
        "name_accuracy": sum(kind.name_right for kind in matched) / len(matched) if matched else None,
        "consensus_precision": right / agreed if agreed else None,
        "cost_per_unique_failure": sum(s.answers for s in scores) / max(1, sum(s.unique_failures for s in scores)),
        "targets": [asdict(score) for score in scores],
    }


def run_target(seed: int, number: int, gapped: bool, out: Path) -> TargetScore:
    """Make, audit and score one target of a seed."""
    path = out / f"seed-{seed}" / f"target-{number}"
    path.parent.mkdir(parents=True, exist_ok=True)
    if gapped:
        drawn, accuracy = make_target(path, seed, number)
        target: VisionLanguageModel = load_vlm(str(path), device="auto", batch_size=64, max_new_tokens=8)
    else:
        rate = random.Random(f"null {seed} {number}").uniform(0.1, 0.2)
        base = load_vlm(str(model_folder(BASE)), device="auto", batch_size=64, max_new_tokens=8)
        drawn, accuracy, target = (), {}, Diffuse(base, rate, f"null-{seed}-{number}")
    run = audited(path if gapped else target, path.with_name(f"audit-{number}"), seed)
    return replace(score(run, drawn, target, accuracy), name=f"{seed}/{number}")


def run_seed(seed: int, targets: int, nulls: int, out: Path, results: Path) -> list[TargetScore]:
    """Return the scores of one seed's targets; from `results` if they are there."""
    scores = []
    for number in range(targets + nulls):
        kept, name = read_results(results), f"{seed}/{number}"
        if name not in kept:
            made = run_target(seed, number, number < targets, out)
            kept = {**read_results(results), name: asdict(made)}  # another process may have added its own
            atomic_write_json(results, dict(sorted(kept.items())))
        done = TargetScore(**{**kept[name], "types": tuple(Found(**kind) for kind in kept[name]["types"])})
        scores.append(done)
        sys.stderr.write(f"{name}: planted {', '.join(done.gaps) or 'nothing'}; found "
                         f"{', '.join(kind.name for kind in done.types) or 'nothing'}\n")  # fmt: skip
    return scores


def read_results(file: Path) -> dict[str, Any]:
    """Return the scores that are kept in a file, by the target's name."""
    kept: dict[str, Any] = json.loads(file.read_text()) if file.is_file() else {}
    return kept


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the figures of one or more seeds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, nargs="+", default=[0])
    parser.add_argument("--targets", type=int, default=10, help="with gaps, for each seed")
    parser.add_argument("--nulls", type=int, default=2, help="without, for each seed")
    parser.add_argument("--out", type=Path, default=Path("runs/planted-gaps"))
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args(arguments)
    scores = [
        score
        for seed in chosen.seed
        for score in run_seed(seed, chosen.targets, chosen.nulls, chosen.out, chosen.results)
    ]
    figures = pooled(scores)
    if chosen.json:
        json.dump(figures, sys.stdout, indent=1)
        return
    console = Console(width=110)
    table = Table("target", "planted", "found", "false", "top ten", "success")
    for each in scores:
        found = [kind.name for kind in each.types if kind.gap]
        table.add_row(each.name, ", ".join(each.gaps), ", ".join(found),
                      ", ".join(kind.name for kind in each.types if kind.false),
                      " ".join("{}/{}".format(*kind.in_gap_of_top) for kind in each.types if kind.gap),
                      f"{each.success.get('trained', float('nan')):.0%}")  # fmt: skip
    console.print(table)
    for name, value in figures.items():
        if name != "targets":
            console.print(f"{name}: {value}")


if __name__ == "__main__":
    main()
