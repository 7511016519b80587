"""Official figures of whole tables of answers: POPE, MME and MMBench."""

import io
import itertools
import json
import random
import re
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import chdir, redirect_stdout
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

from official import module, nothing

YES_NO = [
    "yes", "Yes", "no", "No", "NO", "Yes, there is.", "No, there is not.", "There is not a dog.", "There is no dog",
    "There is a dog. No cat.", "nothing", "Not at all", "", "y", "n", "Yes.", "No.", " yes", "yes no", "maybe", "Yep",
    "nope",
    "I know it", "o", "YES!", "it is, no, yes", "No\n", "not. yes", "noon", "eyes", "The answer is yes",
    "The answer is no",
]  # fmt: skip
PRESENT = ["yes", "Yes", "Yes.", "Yes, there is.", "YES!", "The answer is yes", "it is"]
ABSENT = ["no", "No", "No.", "No, there is not.", "There is not a dog.", "Not at all", "NO", "nope"]
TURNS = [["red", "green"], ["red", "green", "blue"], ["red", "green", "blue", "the red car"]]
RIGHTLY = [
    "{}", "({})", "{}.", " {} ", "{}!", "{}:", "Option {}", "Answer: {}", "The answer is {}", "The answer is ({}).",
]  # fmt: skip
NOT_READ = ["", "a", "b.", "(b)", "?", "e", "E", "none of them", "ABCD", "OptionB", "A?;"]
"""What VLMEvalKit reads as we do. Here all multiple choice is read as MMMU reads it (scoring/choices.py): left out is
what VLMEvalKit reads otherwise, such as "A. red", "B)", "**B**" and "blue", which name an option there, and "A or B",
which names none."""


def pope_figures(text: str) -> Iterator[tuple[Any, Any]]:
    """Where a denominator is 0 the script ends with an error, and detection gives 0: no such case is here."""
    for old, new in (("ans_file = ''", "ans_file = 'said'"), ("label_file = ''", "label_file = 'wanted'")):
        text = text.replace(old, new)
    for number in range(60):
        chance = random.Random(number)
        wanted = ["yes", "no", *chance.choices(["yes", "no"], k=number % 12)]
        said = ["yes", *(chance.choice(chance.choice([PRESENT, ABSENT, YES_NO])) for _ in wanted[1:])]
        with tempfile.TemporaryDirectory() as folder, chdir(folder), redirect_stdout(io.StringIO()):
            Path("said").write_text("\n".join(json.dumps({"answer": each}) for each in said))
            Path("wanted").write_text("\n".join(json.dumps({"label": each}) for each in wanted))
            found = module(text, "evaluate")
        yield [said, wanted], [found[name] for name in ("acc", "precision", "recall", "f1", "yes_ratio")]


def _mme_rows(chance: random.Random) -> list[list[str]]:
    """Return what is wanted and what was said, two rows about each image; some answer begins with yes or no."""
    asked = chance.choices(list(itertools.product(["yes", "no"], repeat=2)), k=1 + chance.randrange(4))
    wanted = [each for both in asked for each in both]
    lines = [each for each in (*YES_NO, *PRESENT, *ABSENT) if "\n" not in each]
    ways = {"yes": (PRESENT[:5], PRESENT[:5], lines), "no": (ABSENT[:4], ABSENT[:4], lines)}
    said = [chance.choice(["Yes", "no"]), *(chance.choice(chance.choice(ways[each])) for each in wanted[1:])]
    return [list(row) for row in zip(wanted, said, strict=True)]


def mme_scores(text: str) -> Iterator[tuple[Any, Any]]:
    """scikit-learn refuses a subtask in which no answer begins with yes or no: no such case is here."""
    warnings.simplefilter("ignore")
    found = module(text.split("if __name__")[0], "calc")
    kinds = [kind for group in found["eval_type_dict"].values() for kind in group]
    held: list[dict[str, float]] = []
    compute = found["calculate_metrics"].compute_metric

    def kept(*columns: object) -> dict[str, float]:
        held.append(compute(*columns))
        return held[-1]

    found["calculate_metrics"].compute_metric = kept
    for number in range(20):
        chance = random.Random(number)
        table = {kind: _mme_rows(chance) for kind in kinds}
        held.clear()
        with tempfile.TemporaryDirectory() as folder, redirect_stdout(io.StringIO()) as told:
            for kind, rows in table.items():
                lines = (f"image\tIs it?\t{wanted}\t{said}\n" for wanted, said in rows)
                Path(folder, f"{kind}.txt").write_text("".join(lines))
            found["calculate_metrics"]().process_result(folder)
        totals = [float(each) for each in re.findall(r"total score: (\S+)", told.getvalue())]
        scores = [float(each) for each in re.findall(r"\t \S+  score: (\S+)", told.getvalue())]
        parts = {
            kind: [float(each["acc"]), each["acc_plus"], score]
            for kind, each, score in zip(kinds, held, scores, strict=True)
        }
        yield table, {"perception": totals[0], "cognition": totals[1], "parts": parts}


def _mmbench_questions(chance: random.Random) -> list[dict[str, Any]]:
    """Return questions with what was said in each turn; about half have an answer that is wrong or not read."""
    questions = []
    for _ in range(1 + chance.randrange(6)):
        options = chance.choice(TURNS)
        right = chance.randrange(len(options))
        letters = ["ABCD"[(right - turn) % len(options)] for turn in range(len(options))]
        said = [chance.choice(RIGHTLY).format(letter) for letter in letters]
        if chance.random() < 0.5:
            wrong = [chance.choice(RIGHTLY).format(letter) for letter in letters]
            said[chance.randrange(len(said))] = chance.choice([*NOT_READ, *wrong])
        questions.append({"options": options, "answer": "ABCD"[right], "said": said})
    return questions


def mmbench(text: str) -> Iterator[tuple[Any, Any]]:
    """VLMEvalKit's circular accuracy with exact matching: no GPT reads what its rules do not."""
    import pandas as pd

    store: dict[str, Any] = {}
    used = {"load": store.get, "dump": lambda it, path: store.update({path: it})}
    unused = ("cn_string", "d2df", "get_logger", "get_pred_file_format", "istype", "timestr", "build_option_str")
    for name in ("vlmeval", "vlmeval.smp", "vlmeval.smp.log", "vlmeval.smp.vlm"):
        nothing(name, **used, **dict.fromkeys(unused, MagicMock()))
    found = module("\n".join(line for line in text.split("\n") if "from vlmeval.utils import" not in line), "choices")
    for number in range(60):
        questions = _mmbench_questions(random.Random(number))
        rows = [
            {
                "index": index + turn * 1_000_000,
                "prediction": said,
                "answer": "ABCD"[("ABCD".index(each["answer"]) - turn) % len(each["options"])],
                **dict(itertools.zip_longest("ABCD", each["options"][turn:] + each["options"][:turn])),
            }
            for index, each in enumerate(questions)
            for turn, said in enumerate(each["said"])
        ]
        data = pd.DataFrame(rows)
        result = found["mcq_circular_eval"](None, data.drop(columns="answer"), data, 1, "")
        hits = [int(each) for each in result.sort_values("index")["hit"]]
        yield questions, {"right": hits, "accuracy": float(found["report_acc"](result)["Overall"][0])}
