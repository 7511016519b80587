"""Open questions with short answers: VQAv2, OK-VQA, A-OKVQA, TextVQA, GQA."""

import ast
from collections.abc import Iterator

from auditdm_hub.evaluating.benchmark import LETTER, Ask, Benchmark, Row, each, lettered, listed, texts
from auditdm_hub.evaluating.items import Item, Wanted
from auditdm_hub.evaluating.scoring.choices import option_named
from auditdm_hub.evaluating.scoring.texts import exact_match
from auditdm_hub.evaluating.scoring.vqa import direct_answer, soft_accuracy, textvqa_accuracy

SOFT = "soft accuracy over ten annotators, each left out once"


def _people(row: Row, ask: Ask) -> Iterator[Item]:
    answers = [given["answer"] if isinstance(given, dict) else str(given) for given in row["answers"]]
    yield Item(str(row["question_id"]), row["image"], ask(row["question"]), answers, _image(row), _kind(row))


def _image(row: Row) -> str:
    """Return what the image is called, so that questions about one image are drawn together."""
    return str(row.get("image_id") or row["question_id"])


def _kind(row: Row) -> str:
    return str(row.get("answer_type") or "")


def _gqa(row: Row, ask: Ask) -> Iterator[Item]:
    yield Item(str(row["id"]), row["image"], ask(row["question"]), row["answer"], str(row["imageId"]))


def _aokvqa(row: Row, ask: Ask) -> Iterator[Item]:
    if row["difficult_direct_answer"]:
        return  # the official evaluation leaves these out of direct answers
    people = row["direct_answers"]
    given = ast.literal_eval(people) if isinstance(people, str) else list(people)
    yield Item(str(row["question_id"]), row["image"], ask(row["question"]), given)


def _aokvqa_choices(row: Row, ask: Ask) -> Iterator[Item]:
    options = lettered(row["choices"])
    wanted = {"right": list(options)[int(row["correct_choice_idx"])], **options}
    yield Item(str(row["question_id"]), row["image"], ask(listed(row["question"], options)), wanted)


def right_letter(answer: str, wanted: Wanted) -> float:
    """Return 1 if an answer names the right option; `wanted` holds it as "right", beside the options."""
    assert isinstance(wanted, dict)
    options = {letter: text for letter, text in wanted.items() if letter != "right"}
    return float(option_named(answer, options) == wanted["right"])


BENCHMARKS = (
    Benchmark(
        "vqav2", "lmms-lab-encoder/VQAv2", "validation", SOFT, ("question_id", "image", "question", "answers"), _people,
        each(lambda answer, wanted: soft_accuracy(answer, texts(wanted))), source="https://github.com/GT-Vision-Lab/VQA",
    ),
    Benchmark(
        "okvqa", "lmms-lab-encoder/OK-VQA", "val2014", SOFT, ("question_id", "image", "question", "answers"), _people,
        each(lambda answer, wanted: soft_accuracy(answer, texts(wanted))), source="https://github.com/GT-Vision-Lab/VQA",
    ),
    Benchmark(
        "textvqa", "lmms-lab-encoder/textvqa", "validation", f"{SOFT}, spelling of MMF",
        ("question_id", "image", "question", "answers"), _people,
        each(lambda answer, wanted: textvqa_accuracy(answer, texts(wanted))),
        source="https://github.com/facebookresearch/mmf",
    ),
    Benchmark(
        "aokvqa", "Allen8/A-OKVQA", "validation", "min(1, annotators who agree / 3), difficult questions left out",
        ("question_id", "image", "question", "direct_answers", "difficult_direct_answer"), _aokvqa,
        each(lambda answer, wanted: direct_answer(answer, texts(wanted))), source="https://github.com/allenai/aokvqa",
    ),
    Benchmark(
        "aokvqa-choices", "Allen8/A-OKVQA", "validation", "accuracy of the option",
        ("question_id", "image", "question", "choices", "correct_choice_idx"), _aokvqa_choices, each(right_letter),
        prompt=LETTER, source="https://github.com/allenai/aokvqa",
    ),
    Benchmark(
        "gqa", "lmms-lab-encoder/GQA", "testdev", "exact match but for case and punctuation",
        ("id", "imageId", "question", "answer"), _gqa,
        each(lambda answer, wanted: exact_match(answer, texts(wanted)[0])), config="testdev_balanced_instructions",
        images="testdev_balanced_images", source="https://cs.stanford.edu/people/dorarad/gqa/evaluate.html",
    ),
)  # fmt: skip
