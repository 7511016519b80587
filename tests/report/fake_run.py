"""A run as an audit leaves it, without models: playground pictures, a target with known weaknesses, references that
mostly know the answer. Makes the tables and the pictures of a report real without inference."""

import random
from pathlib import Path

from auditdm_hub.curate import Curation, Duplicate
from auditdm_hub.curate.predicates import holds, read_rule
from auditdm_hub.images import ImageStore
from auditdm_hub.playground.backends import PlaygroundEditor, pictures
from auditdm_hub.playground.draw import read
from auditdm_hub.playground.sample import sample_edit, sample_question
from auditdm_hub.records import Exchange, FailureType, Judged, Predicate, Probe, Verdict
from auditdm_hub.report import ModelFacts, PoolFacts, RunFacts, RunModels
from auditdm_hub.statistics import wilson

REFERENCES = {
    "org/gemma3-small@aaa111": "gemma3",
    "org/llava-small@bbb222": "llava",
    "org/idefics3-small@ccc333": "idefics3",
}
HOLDOUT = "org/gemma3-other@ddd444"
RULES = {
    "counting more than four objects": ('question has any("how many") and answer > 4', "4"),
    "telling left from right": ('answer in {"left", "right"}', "right"),
    "reading clocks": ('question has any("clock")', "12"),
    "naming purple things": ('answer in {"purple"}', "blue"),
    "counting sheep": ('question has any("sheep")', "0"),
}
WEAKER = {"prompt_only": 0.25, "random": 0.2, "trained": 0.8}


def facts(seconds: float = 251.0, date: str = "2026-01-05") -> RunFacts:
    rng = random.Random(0)
    log = [
        {"step": float(step), "search_success": min(1.0, 0.2 + step / 200 + rng.gauss(0, 0.05)),
         "effective_kinds": 2 + step / 30 + rng.gauss(0, 0.2), "reward": 0.1 + step / 300 + rng.gauss(0, 0.03)}
        for step in range(1, 121)
    ]  # fmt: skip
    return RunFacts(
        version="0.1.0",
        seed=0,
        date=date,
        models=RunModels(
            target=ModelFacts("org/paligemma-target@0123abcd", "paligemma"),
            references=tuple(ModelFacts(name, family) for name, family in REFERENCES.items()),
            auditor="org/auditor@9876fedc",
            trained_auditor="org/auditor@9876fedc+a1b2c3d4",
            judge="vqa",
            embedder="potion-tiny",
            editor="playground-editor",
            generator="playground-generator",
            holdout=ModelFacts(HOLDOUT, "gemma3-other"),
        ),
        pool=PoolFacts("playground", 600, {"cannot be read as an image": 2}, {"discovery": 362, "confirm": 118}, "CC0"),
        publishable=(True, "every licence allows it"),
        seconds={"train": 140.2, "probe": 93.1, "curate": 9.4, "total": seconds},
        cost={"probes": 900, "answers of the target": 843, "answers of references": 2529, "images edited": 301},
        training_log=log,
        versions={"python": "3.11.9", "torch": "2.13.0", "transformers": "5.23.0"},
        faults={"org/llava-small@bbb222: timed out": 4},
        command="auditdm-hub audit --seed 0",
    )


def trials(store: ImageStore, count: int = 60, seed: int = 0) -> list[Judged]:
    """Return `count` trials of each auditor on the same pictures."""
    rows = []
    for number, (image, _, _) in enumerate(pictures(count, seed)):
        scene = read(image)
        assert scene is not None
        sha = store.put(image)
        for auditor in WEAKER:
            rng = random.Random(f"{seed} {number} {auditor}")
            text = sample_edit(scene, rng)
            edited = PlaygroundEditor().edit([image], [text], [0])[0]
            assert edited is not None
            shown = edited if number % 3 else image
            now = read(shown)
            assert now is not None
            # The trained auditor asks about what the target cannot do.
            wanted = rng.random() < WEAKER[auditor]
            drawn = [found for _ in range(40) if (found := sample_question(now, rng))]
            hard = [found for found in drawn if _wrong(*found)]
            question, answer = (hard if wanted and hard else drawn)[0]
            probe = Probe(
                seed_id=f"seed-{number}", auditor=auditor, action="edit" if number % 3 else "question", attempt=0,
                text=text if number % 3 else question, question=question,
                question_source="seed" if number % 3 == 1 else "auditor", image_sha=store.put(shown),
                image_source="edited" if number % 3 else "original", instruction=text if number % 3 else "",
                source_image_sha=sha, fault="unparsed: no tag" if rng.random() < 0.04 else "",
            )  # fmt: skip
            rows.append(_judge(probe, answer, rng))
    return rows


def _wrong(question: str, answer: str) -> str:
    """Return what the target says instead of the answer, or "" where it is able."""
    for rule, said in RULES.values():
        if holds(read_rule(rule), question, answer) and said != answer:
            return said
    return ""


def _judge(probe: Probe, answer: str, rng: random.Random) -> Judged:
    silent: dict[str, str | None] = dict.fromkeys([*REFERENCES, HOLDOUT])
    if probe.fault:
        return Judged(Exchange(probe, None, silent), Verdict("invalid", "", 0.0, probe.fault))
    answers: dict[str, str | None] = {
        model: "nothing" if rng.random() < 0.04 else answer for model in [*REFERENCES, HOLDOUT]
    }
    said = (_wrong(probe.question, answer) if rng.random() < 0.9 else "") or answer
    agree = sum(answers[model] == answer for model in REFERENCES)
    if agree < 2 or rng.random() < 0.02:
        return Judged(Exchange(probe, said, answers), Verdict("no_consensus", "", 0.0, "too few of them agree"))
    outcome = "agreement" if said == answer else "failure"
    return Judged(Exchange(probe, said, answers), Verdict(outcome, answer, agree / 3))


def curation(rows: list[Judged]) -> Curation:
    """Return types by the rules above, one duplicate, and the rest unassigned."""
    failures = {row.probe.id: row for row in rows if row.failed}
    kept = dict(list(failures.items())[:-1])
    last = list(failures)[-1]
    dropped = {last: Duplicate(next(iter(kept)), "same source image and answers, questions alike (cosine 0.93)")}
    assignments = dict.fromkeys(kept, "unassigned")
    types = []
    for name, (rule, _) in RULES.items():
        inside = [
            row
            for row in rows
            if row.verdict.outcome in ("failure", "agreement")
            and row.probe.id not in dropped
            and holds(read_rule(rule), row.probe.question, row.verdict.consensus)
        ]
        members = [row.probe.id for row in inside if row.failed and assignments[row.probe.id] == "unassigned"]
        if not members:
            continue
        assignments.update(dict.fromkeys(members, name))
        failed, trials_inside = sum(row.failed for row in inside), len(inside)
        types.append(
            FailureType(
                name,
                Predicate(f"The target fails at {name}.", rule),
                tuple(members),
                len(members),
                failed,
                trials_inside,
                failed / trials_inside,
                *wilson(failed, trials_inside),
                "confirmed" if name.startswith("telling") else "proposed",
            )  # fmt: skip
        )
    types.sort(key=lambda kind: (-kind.count, kind.name))
    return Curation(tuple(types), assignments, dropped, len(kept), 0.013, 0.42, {}, "", ())


def run(path: Path, count: int = 60) -> tuple[list[Judged], Curation, ImageStore]:
    store = ImageStore(path / "images")
    rows = trials(store, count)
    return rows, curation(rows), store
