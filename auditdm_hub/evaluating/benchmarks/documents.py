"""Documents, charts and diagrams: DocVQA, ChartQA, AI2D."""

from collections.abc import Iterator

from auditdm_hub.evaluating.benchmark import Ask, Benchmark, Row, each, texts
from auditdm_hub.evaluating.items import Item
from auditdm_hub.evaluating.scoring.texts import anls, exact_match, relaxed_accuracy


def _docvqa(row: Row, ask: Ask) -> Iterator[Item]:
    document = str(row.get("docId", ""))
    yield Item(str(row["questionId"]), row["image"], ask(row["question"]), list(row["answers"]), document)


def _chartqa(row: Row, ask: Ask) -> Iterator[Item]:
    if row["type"] == "human_test":
        yield Item("", row["image"], ask(row["question"]), str(row["answer"]), part=row["type"])


def _ai2d(row: Row, ask: Ask) -> Iterator[Item]:
    options = [str(option) for option in row["options"]]
    question = f"{row['question']} choices: {', '.join(options)}"
    yield Item("", row["image"], ask(question), options[int(row["answer"])])


BENCHMARKS = (
    Benchmark(
        "docvqa", "lmms-lab-encoder/DocVQA", "validation", "ANLS, threshold .5",
        ("questionId", "image", "question", "answers"), _docvqa,
        each(lambda answer, wanted: anls(answer, texts(wanted))), config="DocVQA", max_new_tokens=32,
        source="arXiv:1907.00490",
    ),
    Benchmark(
        "chartqa", "lmms-lab-encoder/ChartQA", "test", "relaxed accuracy (5%), questions by people",
        ("type", "image", "question", "answer"), _chartqa,
        each(lambda answer, wanted: relaxed_accuracy(answer, texts(wanted)[0])), source="arXiv:2203.10244",
    ),
    Benchmark(
        "ai2d", "lmms-lab-encoder/ai2d", "test", "exact match of the answer's text, but for case and punctuation",
        ("image", "question", "options", "answer"), _ai2d,
        each(lambda answer, wanted: exact_match(answer, texts(wanted)[0])), source="arXiv:1603.07396",
    ),
)  # fmt: skip
