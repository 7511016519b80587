"""Yes or no: POPE and MME."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from auditdm_hub.evaluating.benchmark import Ask, Benchmark, Row, each, texts
from auditdm_hub.evaluating.items import Answered, Item
from auditdm_hub.evaluating.scoring.yes_no import detection, mme_answer, mme_score, pope_answer

PERCEPTION = frozenset(
    "existence count position color posters celebrity scene landmark artwork OCR".split()
)  # fmt: skip
COGNITION = frozenset("commonsense_reasoning numerical_calculation text_translation code_reasoning".split())


def _pope(row: Row, ask: Ask) -> Iterator[Item]:
    wanted = "no" if str(row["answer"]).strip().lower() == "no" else "yes"
    yield Item(str(row["id"]), row["image"], ask(row["question"]), wanted, str(row.get("image_source", "")))


def _pope_figures(items: Sequence[Answered], scores: Sequence[float]) -> dict[str, float]:
    del scores
    got = [item for item in items if item.answer is not None]
    if not got:
        return {}
    found = detection([pope_answer(item.answer or "") for item in got], [texts(item.wanted)[0] for item in got])
    return {"F1": found.f1, "precision": found.precision, "recall": found.recall, "answers yes": found.yes_ratio}


def _mme(row: Row, ask: Ask) -> Iterator[Item]:
    wanted = str(row["answer"]).lower().strip().replace(".", "")
    name, kind = str(row["question_id"]), str(row["category"])
    question = str(row["question"]).strip().replace(" Please answer yes or no.", "")
    yield Item(f"{kind}/{name}/{question}", row["image"], ask(question), wanted, f"{kind}/{name}", kind)


def _mme_figures(items: Sequence[Answered], scores: Sequence[float]) -> dict[str, float]:
    """Return MME's own scores, which add accuracy and accuracy+ over subtasks (perception: 2000 at most)."""
    right: dict[str, dict[str, list[bool]]] = defaultdict(lambda: defaultdict(list))
    for item, score in zip(items, scores, strict=True):
        right[item.part][item.group].append(score == 1)
    whole = {kind: images for kind, images in right.items() if all(len(both) == 2 for both in images.values())}
    by_kind = {kind: mme_score(images) for kind, images in whole.items()}
    return {
        "perception": sum(score for kind, score in by_kind.items() if kind in PERCEPTION),
        "cognition": sum(score for kind, score in by_kind.items() if kind in COGNITION),
    }


BENCHMARKS = (
    *(
        Benchmark(
            name, "lmms-lab-encoder/POPE", split, f"accuracy, {split} objects", ("id", "image", "question", "answer"),
            _pope, each(lambda answer, wanted: float(pope_answer(answer) == wanted)), config="Full",
            figures=_pope_figures, source="https://github.com/AoiDragon/POPE",
        )
        for name, split in (("pope", "adversarial"), ("pope-popular", "popular"), ("pope-random", "random"))
    ),
    Benchmark(
        "mme", "lmms-lab-encoder/MME", "test", "accuracy of yes and no (MME's own scores beside it)",
        ("question_id", "image", "question", "answer", "category"), _mme,
        each(lambda answer, wanted: float(mme_answer(answer) == wanted)), figures=_mme_figures,
        source="arXiv:2306.13394",
    ),
)  # fmt: skip
