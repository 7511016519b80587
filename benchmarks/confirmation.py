"""Does confirmation keep what is true, and nothing else?

    python -m benchmarks.confirmation [RUN ...] [--seeds 0 1 2] [--targets 20] [--permutations 200] [--json FILE]

Default audits of the playground (or finished ones) are confirmed on fresh images, then

- truth: for each type, how much more often the target is wrong in truth on its items than on controls (a question that
  has no answer is none that it got wrong); a type is real if that is at least 10 points;
- permutations: which of a run's items the target failed on, dealt out anew over all items and controls;
- diffuse targets: in the target's place one that gives the consensus, but errs in 10 to 20% of its answers, whatever is
  asked.

The last two have no failure type. What is confirmed of them is false; bounds are exact, at 95%.
"""

import argparse
import json
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from auditdm_hub.auditing.exchanges import from_row
from auditdm_hub.auditing.judge import load_judge
from auditdm_hub.auditing.normalise import normalise
from auditdm_hub.confirming.decide import Rules, decide
from auditdm_hub.confirming.jury import Jury, juries
from auditdm_hub.curate.predicates import Rule, read_rule
from auditdm_hub.images import ImageStore
from auditdm_hub.playground.draw import read
from auditdm_hub.playground.skills import solve
from auditdm_hub.records import Judged
from auditdm_hub.report.confirmation import FILE, TABLE
from auditdm_hub.runs import Run
from auditdm_hub.statistics import clopper_pearson
from auditdm_hub.tables import read_rows
from auditdm_hub.workflows.confirmation import CONTROLS, FOLDER, Confirmation, confirm_run
from benchmarks.planted_gaps import EXCESS, Diffuse
from benchmarks.search_success import default_audit, opened

NO_ANSWER = "nothing of the kind"


@dataclass(frozen=True, slots=True)
class Drawn:
    """The items of a confirmed run: by type, and its controls."""

    items: Mapping[str, Sequence[Judged]]
    controls: Sequence[Judged]
    rules: Mapping[str, Rule]
    ways: Sequence[Jury]
    wanted: Rules

    @property
    def rows(self) -> list[Judged]:
        """All of them."""
        return [row for drawn in (*self.items.values(), self.controls) for row in drawn]

    def excess(self, name: str, store: ImageStore) -> float:
        """Return how much more often the target is wrong in truth on a type's items than on controls."""
        wrong = [[_truly_wrong(row, store) for row in rows] for rows in (self.items[name], self.controls)]
        shares = [sum(each) / len(each) if each else 0.0 for each in wrong]
        return shares[0] - shares[1]

    def confirmed(self, failed: Sequence[bool]) -> int:
        """Return how many types are confirmed if the target failed on these of `rows`."""
        verdicts = iter(failed)

        def told(rows: Sequence[Judged]) -> list[Judged]:
            said = [NO_ANSWER if next(verdicts) else row.verdict.consensus for row in rows]
            return [
                replace(row, exchange=replace(row.exchange, target_answer=answer))
                for row, answer in zip(rows, said, strict=True)
            ]

        items = {name: told(rows) for name, rows in self.items.items()}
        found = decide(items, told(self.controls), self.rules, self.ways, self.wanted)
        return sum(each.status == "confirmed" for each in found)


def _truly_wrong(row: Judged, store: ImageStore) -> bool:
    scene = read(store.get(row.probe.image_sha))
    truth = solve(scene, row.probe.question) if scene else None
    return truth is not None and normalise(row.exchange.target_answer or "") != truth.answer


def images_of(run: Run) -> ImageStore:
    """Return the fresh images of a confirmed run."""
    settings = json.loads((run.path / FILE).read_text())["settings"]
    return ImageStore(run.path / FOLDER / str(settings["images"]))


def drawn_of(run: Run) -> Drawn:
    """Return what was drawn for a confirmed run."""
    kinds = run.results()["failure_types"]
    rules = {kind["name"]: read_rule(kind["rule"]) for kind in kinds}
    items: dict[str, list[Judged]] = {name: [] for name in (*rules, CONTROLS)}
    for row in read_rows(run.path / TABLE):
        items[str(row["drawn_for"])].append(from_row(row))
    told = json.loads((run.path / FILE).read_text())
    families = {each["id"]: each["family"] for each in run.results()["models"]["references"]}
    settings = told["settings"]
    ways = juries(families, told["aside"], load_judge(str(run.config["judge"])), int(run.config["quorum"]))
    return Drawn(items, items.pop(CONTROLS), rules, ways, Rules(settings["level"], settings["margin"]))


def permuted(drawn: Drawn, times: int) -> Iterator[int]:
    """Yield how many types are confirmed where the failures are dealt out anew."""
    failed = [row.failed for row in drawn.rows]
    for number in range(times):
        dealt = list(failed)
        random.Random(number).shuffle(dealt)
        yield drawn.confirmed(dealt)


def diffuse(run: Run, drawn: Drawn, targets: int) -> Iterator[int]:
    """Yield how many types are confirmed of targets without a weakness."""
    store, rows = images_of(run), drawn.rows
    questions = [row.probe.question for row in rows]
    pictures = [store.get(row.probe.image_sha) for row in rows]
    known = [row.verdict.consensus for row in rows]
    for number in range(targets):
        null = Diffuse(Known(known), 0.1 + 0.1 * number / max(1, targets - 1), f"diffuse-{number}")
        said = [answer or "" for answer in null.answer(pictures, questions)]
        same = drawn.ways[0].judge.same(questions, said, [row.verdict.consensus for row in rows])
        yield drawn.confirmed([not agrees for agrees in same])


@dataclass(frozen=True, slots=True)
class Known:
    """A model whose answers to some questions are there already."""

    answers: Sequence[str | None]
    id: str = "known"
    family: str = "aya_vision"

    def answer(self, images: Sequence[Any], questions: Sequence[str]) -> list[str | None]:
        """Return them."""
        del images, questions
        return list(self.answers)


def bounded(wrong: int, of: int) -> str:
    """Return a count with its exact bounds."""
    low, high = clopper_pearson(wrong, of)
    return f"{wrong} of {of:,} ({100 * low:.2f} to {100 * high:.2f}%)"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="*", type=Path, metavar="RUN")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2], help="of default audits, without a RUN")
    parser.add_argument("--targets", type=int, default=20)
    parser.add_argument("--permutations", type=int, default=200)
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    figures: dict[str, Any] = {}
    for path in chosen.runs or [default_audit(seed) for seed in chosen.seeds]:
        confirm_run(path, Confirmation())
        run = opened(path)
        statuses: Counter[str] = Counter()
        drawn, store = drawn_of(run), images_of(run)
        for kind in run.results()["failure_types"]:
            truth = drawn.excess(kind["name"], store)
            statuses[f"{kind['status']}, {'real' if truth >= EXCESS else 'false'}"] += 1
            told = kind["confirmation"]
            print(f"{kind['name']}: {kind['status']}, q {kind['q_value']:.2g}, {told['target']['items']} items of "
                  f"{told['questions']} questions; in truth {100 * truth:+.0f} points")  # fmt: skip
        null = {"permutations": list(permuted(drawn, chosen.permutations)),
                "diffuse targets": list(diffuse(run, drawn, chosen.targets))}  # fmt: skip
        figures[str(path)] = {"statuses": dict(statuses), **null}
        print(f"{path}: {', '.join(f'{count} {name}' for name, count in sorted(statuses.items()))}")
        for name, counts in null.items():
            print(f"  {name}: types confirmed {bounded(sum(counts), len(counts) * len(drawn.rules))}, runs with one "
                  f"{bounded(sum(map(bool, counts)), len(counts))}")  # fmt: skip
        if chosen.json:
            chosen.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
