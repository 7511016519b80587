"""Make the golden values anew: run each official scorer once on the inputs below.

    python tests/evaluating/golden/make.py SOURCES

SOURCES holds clones of the repositories in `OFFICIAL` (official.py), each in a folder named OWNER+NAME, at the commit
given there (`git clone`, `git checkout`); scikit-learn, pandas, tqdm and editdistance, for `miou` jax and flax, have to
be installed. `make.py SOURCES NAME ...` makes some of them. VQA's evaluation is for Python 2 and goes through lib2to3,
which Python 3.11 has. Nothing of these repositories is in this one.
"""

import io
import itertools
import json
import sys
import tempfile
import types
import warnings
from collections.abc import Callable, Iterator
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock, patch

from official import OFFICIAL, module, nothing, source
from tables import YES_NO, mmbench, mme_scores, pope_figures

HERE = Path(__file__).parent
PEOPLE = [
    ["yes"] * 10,
    ["Yes"] * 10,
    ["2"] * 4 + ["two"] * 3 + ["3"] * 3,
    ["a red car"] * 3 + ["red car"] * 2 + ["car"] * 5,
    ["don't know"] * 2 + ["dont know"] * 2 + ["unknown"] * 6,
    ["1,000"] * 5 + ["1000"] * 2 + ["1 000"] * 3,
    ["t-shirt"] * 3 + ["t shirt"] * 3 + ["tshirt"] * 4,
    ["none"] * 5 + ["0"] * 4 + ["zero"],
    ["café", "cafe", "Café"] * 3 + ["bar"],
    ["11:30"] * 6 + ["11.30"] * 2 + ["half past 11"] * 2,
    ["man's hat"] * 6 + ["mans hat"] * 2 + ["hat"] * 2,
    ["A"] * 7 + ["a"] * 3,
]
SAID = [
    "", " ", "yes", "Yes", "yes.", "Yes, it is", "YES!", "2", "two", "Two.", "2.0", "the red car", "a red car",
    "Red Car",
    "red  car", "red-car", "car\n", "don't know", "dont know", "do not know", "1,000", "1000", "1,000.", "t-shirt",
    "t shirt", "tshirt", "t - shirt", "none", "zero", "no ne", "café", "CAFÉ", "cafe", "11:30", "11.30", "11 : 30",
    "man's hat", "mans hat", "man 's hat", "the", "a", "A", "an", "?", "...", "a.b.c", "3.14", ".5", "5.", "x/y",
    "x / y",
    "he'd've", "hed've", "he'dve", "she's", "shes", "lets", "let's", "somebody'd", "y'alld've", "oclock", "twas",
    "\tcar\t", "yes yes", "日本", "ﬁre", "\u00a0yes", "'", "''", "two\nthree", "1,2,3", "1, 2, 3", "ten", "eleven",
]  # fmt: skip
NUMBERS = [
    ("10", "10"), ("10", "10.5"), ("10", "10.51"), ("-10", "-9.5"), ("0", "0"), ("0", "0.0"), ("0.0", "0"), ("12%",
    "0.12"),
    ("12%", "12"), ("12", "12%"), ("0.5", "50%"), ("yes", "Yes"), ("yes", "yes."), ("", ""), ("10", ""), ("", "10"),
    ("1,000", "1000"), ("1,000", "1,000"), ("nan", "nan"), ("inf", "inf"), ("1e3", "1000"), ("½", "0.5"), (" 10 ",
    "10"),
    ("5", "5%%"), ("%", "%"), ("١٠", "10"), ("Blue", "blue "), ("100", "105"), ("100", "95"), ("100", "94.99"),
]  # fmt: skip
NEAR = [
    (["Paris"], "paris"), (["Paris"], "pariss"), (["Paris"], "par"), (["Paris"], "pa"), (["Paris"], ""), (["a"], "b"),
    (["12/05/1999"], "12/05/1998"), (["first", "1st"], "1 st"), (["université"], "universite"), (["x"], "x"), (["ab"],
    "ac"),
    (["ab"], "bc"), (["a long answer here"], "a long answer"), (["$1,000.00"], "1000"), (["日本語"], "日本"),
]  # fmt: skip
OPTIONS = {"A": "red", "B": "green", "C": "blue", "D": "the red car"}
CHOSEN = [
    "A", "a", "(B)", "B.", "B)", "The answer is C", "The answer is (C).", "A or B", "B, not A", "(A) (C)",
    "answer: D", "'C'",
    "A. red", "It is the one with the blue colour, I think", "I would say it is the red car over there",
    "It must be green, surely not blue, so green", "A B C D", "Option B", "OptionB", "C:", "(D", "D ", " D", "A!",
    "A?;",
    "The option (A) is wrong and (B) is right", "ABCD", "B is right because A is wrong", "", "none of them", "e", "E",
    "blue", "?",
]  # fmt: skip
OPEN = [
    ("3.5", ["3.5"]), ("The answer is 3.5", ["3.5"]), ("so x = 7", ["7"]), ("x = 7.004", ["7"]), ("1,000", ["1000"]),
    ("about 1,000 people", ["1000"]), ("2e3", ["2000"]), ("Paris", ["paris"]), ("It is Paris.", ["Paris", "Lyon"]),
    ("parisian", ["paris"]), ("pa", ["paris"]), ("A", ["a"]), ("b a c", ["a"]), ("banana", ["a"]), ("", ["x"]), ("-5",
    ["5"]),
    ("-5", ["-5"]), ("The result is -5", ["-5"]), ("thus the final answer is 12 cm", ["12"]), ("12.346", ["12.35"]),
    ("first line is 3\nsecond is 4", ["3"]), ("first line\nsecond", ["second"]), ("is :", ["x"]), ("5%", ["5"]),
    ("result = 6 = 2 * 3", ["3"]), ("no = sign here\nbut 9", ["9"]), ("I think so . Therefore it could be 8", ["8"]),
]  # fmt: skip
BEGUN = [
    "A", "(B)", "B.", "C.", "(C).", "C!", "A!", "C:", "D ", " D", "  B  ", "Option A", "Option B", "The answer is B",
    "The answer is C", "A cat", "B is right", "It is the one with the blue colour, I think", "OptionB",
    "I would say it is the red car over there", "It must be green, surely not blue, so green", "**B**", "",
    "The correct answer is **B**", "none of them", "e", "E", "?", "yes", "no", "0", "()", "(", "option ",
    "the answer is ",
]  # fmt: skip
"""What MMStar reads as we do. Here all multiple choice is read as MMMU reads it (scoring/choices.py): left out is what
MMStar reads otherwise by its first letters, such as "a" and "A. red", or "Because", which is B there."""
WORDS = [
    "yes", "no", "", "left", "right", "to the left", "totheleft", "two", "2", "dog", "dogs", "the dog", "hot dog",
    "hotdog", "café", "cafe", "ﬁre", "fire", "日本", "yes no", "straße", "strasse",
]  # fmt: skip
"""No two of them differ in case, punctuation and outer space alone, which do not count here (scoring/texts.py)."""
IMAGE = (512, 256)
BOXES: list[list[float]] = [
    [0, 0, 512, 256], [100, 50, 40, 20], [120, 50, 40, 20], [140, 50, 40, 20], [140, 70, 40, 20], [100, 70, 40, 20],
    [110, 54, 20, 10], [100, 50, 40, 10], [100, 50, 20, 10], [90, 40, 60, 40], [100.5, 50.25, 42.5, 22.5],
    [0, 0, 2, 2], [510, 254, 2, 2], [100, 50, 0, 0], [100, 50, 0, 20], [120, 60, 0, 0],
]  # fmt: skip
"""[left, top, width, height]: equal, sharing edges and corners, nested, empty. Left out are two boxes that have at most
a pixel's width or height in common: in refer they do not overlap, in scoring/boxes.py they do."""


def vqa(text: str) -> Iterator[tuple[Any, Any]]:
    warnings.simplefilter("ignore")
    from lib2to3 import refactor

    tool = refactor.RefactoringTool(refactor.get_fixers_from_package("lib2to3.fixes"))
    evaluation = module(str(tool.refactor_string(text.expandtabs(8), "vqaEval.py")), "vqaEval")["VQAEval"]
    for people in PEOPLE:
        for said in SAID:
            answers = [{"answer": each, "answer_id": number} for number, each in enumerate(people)]
            truth = types.SimpleNamespace(
                qa={1: {"answers": answers, "question_type": "q", "answer_type": "a"}}, getQuesIds=lambda: [1]
            )
            scorer = evaluation(truth, types.SimpleNamespace(qa={1: {"answer": said}}), n=12)
            with redirect_stdout(io.StringIO()):
                scorer.evaluate()
            yield [said, people], scorer.accuracy["overall"] / 100


def textvqa(text: str) -> Iterator[tuple[Any, Any]]:
    scorer = module(text.split("class STVQAAccuracyEvaluator")[0], "m4c")["TextVQAAccuracyEvaluator"]()
    for people in PEOPLE:
        for said in SAID:
            yield [said, people], scorer.eval_pred_list([{"pred_answer": said, "gt_answers": people}])


def aokvqa(text: str) -> Iterator[tuple[Any, Any]]:
    score = module(text.replace("from load_aokvqa import load_aokvqa", ""), "aokvqa")["eval_aokvqa"]
    for people in PEOPLE:
        for said in sorted({*people, "", "yes.", "red"}):
            row = {"question_id": "1", "choices": [], "direct_answers": people, "difficult_direct_answer": False}
            yield [said, people], score([row], {"1": said}) / 100


def relaxed(text: str) -> Iterator[tuple[Any, Any]]:
    kept = "\n".join(line for line in text.splitlines() if "pycocoevalcap" not in line)
    metric = module(kept, "metrics")["relaxed_correctness"]
    for wanted, said in NUMBERS:
        yield [said, wanted], float(metric(wanted, said))


def anls(text: str) -> Iterator[tuple[Any, Any]]:
    scorer = module(text.split("class TextCapsBleu4Evaluator")[0], "m4c")["STVQAANLSEvaluator"]()
    for wanted, said in NEAR:
        yield [said, wanted], scorer.eval_pred_list([{"pred_answer": said, "gt_answers": wanted}])


def mmmu(text: str) -> Iterator[tuple[Any, Any]]:
    found = module(text, "eval_utils")
    for said in CHOSEN:  # what names no option gets one by lot: that shows when it is read often
        read = {found["parse_multi_choice_response"](said, list(OPTIONS), OPTIONS) for _ in range(60)}
        yield ["choice", said, OPTIONS], read.pop() if len(read) == 1 else None
    for said, wanted in OPEN:
        yield ["open", said, wanted], float(found["eval_open"](wanted, found["parse_open_response"](said)))


def pope(text: str) -> Iterator[tuple[Any, Any]]:
    loop = text[text.index("for answer in answers:") : text.index("for i in range(len(label_list))")]
    for said in YES_NO:
        answers = [{"answer": said}]
        exec(loop, {"answers": answers})
        yield said, answers[0]["answer"]


def mme(text: str) -> Iterator[tuple[Any, Any]]:
    parse = module(text.split("if __name__")[0], "calc")
    for said in YES_NO:
        yield said, parse["calculate_metrics"]().parse_pred_ans(said.lower())


def miou(text: str) -> Iterator[tuple[Any, Any]]:
    """big_vision's evaluator without its input pipeline and TensorFlow, with random weights of the decoder."""
    import numpy as np
    from mask_weights import mask_cases, mask_of, mask_weights

    for name in ("big_vision", "big_vision.evaluators", "big_vision.pp", "tensorflow"):
        nothing(name)
    sys.modules["big_vision.evaluators"].common = nothing("big_vision.evaluators.common", process_sum=lambda x: x)  # type: ignore[attr-defined]
    nothing("big_vision.pp.tokenizer")
    sys.modules["big_vision"].utils = nothing("big_vision.utils", get_local_slice_from_fsarray=lambda x: x)  # type: ignore[attr-defined]
    nothing("tensorflow.io", gfile=types.SimpleNamespace(GFile=open))
    with tempfile.TemporaryDirectory() as folder:
        np.savez(f"{folder}/vae.npz", **mask_weights())
        found = module(text, "segmentation")
        evaluator = object.__new__(found["Evaluator"])
        evaluator.reconstruct_masks = found["get_reconstruct_masks"](f"{folder}/vae.npz")
    evaluator.steps, evaluator.det_ious = 1, (0.5,)
    evaluator.loc0, evaluator.seg0 = np.array([10_000]), np.array([20_000])
    for box, codes, size, rectangles in mask_cases():
        tokens = np.zeros((1, 24), np.int32)  # of a text that may end early
        tokens[0, : 4 + len(codes)] = [10_000 + each for each in box] + [20_000 + each for each in codes]
        mask = mask_of(size, rectangles)[None, :, :, None].astype(np.uint8)
        batch = {"_mask": np.array([True]), "objects/mask": mask, "objects/bbox": np.array([[0.0, 0.0, 1.0, 1.0]])}
        evaluator.get_data_iter = lambda batch=batch: iter([batch])
        evaluator.decode = lambda state, batch, tokens=tokens: tokens
        said = "".join([*(f"<loc{each:04}>" for each in box), *(f"<seg{each:03}>" for each in codes)])
        yield [said, list(size), rectangles], float(dict(evaluator.run(None))["miou"])


def mmstar(text: str) -> Iterator[tuple[Any, Any]]:
    """Its evaluation wants a row of each subset: here the same one."""
    import pandas as pd

    nothing("vlmeval")
    nothing("vlmeval.smp", get_logger=MagicMock(), tqdm=iter)
    found = module(text, "mmstar")
    held = text.split("MMStar_score_l2 = ")[1].split("MMStar_counter")[0]
    subsets = [(group, part) for group, parts in eval(held.strip()).items() for part in parts]
    for said, right in itertools.product(BEGUN, "ABCD"):
        rows = [[said, right, "", *subset] for subset in subsets]
        data = pd.DataFrame(rows, columns=["prediction", "answer", "bench", "category", "l2_category"])
        scores: dict[str, float] = {}
        found.update(load=lambda path, data=data: data, dump=lambda it, path, scores=scores: scores.update(it))
        found["MMStar_eval"]("x.xlsx")
        yield [said, right], scores["{}({})".format(*subsets[0])]


def gqa(text: str) -> Iterator[tuple[Any, Any]]:
    for said, wanted in itertools.product(WORDS, WORDS):
        question = {
            "answer": wanted, "isBalanced": True, "question": "Which?", "semantic": [], "groups": {"global": "g"},
            "types": {"structural": "query", "semantic": "obj", "detailed": "x"},
        }  # fmt: skip
        with (
            tempfile.TemporaryDirectory() as folder, chdir(folder), patch.object(sys, "argv", ["eval.py"]),
            redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()),
        ):  # fmt: skip
            Path("val_all_questions.json").write_text(json.dumps({"1": question}))
            Path("val_predictions.json").write_text(json.dumps([{"questionId": "1", "prediction": said}]))
            scores = module(text, "eval")["scores"]
        yield [said, wanted], scores["accuracy"] / 100


def refcoco(text: str) -> Iterator[tuple[Any, Any]]:
    """Of two empty boxes refer divides by 0, and overlap gives 0: no such case is here."""
    cells = ("".join(cell["source"]) for cell in json.loads(text)["cells"])
    overlap = module(next(each for each in cells if "def computeIoU" in each), "demo")["computeIoU"]
    for one, other in itertools.product(BOXES, BOXES):
        if one[2] * one[3] > 0 or other[2] * other[3] > 0:
            yield [one, other, IMAGE], overlap(one, other)


def main(sources: Path, names: list[str]) -> None:
    makers: dict[str, Callable[[str], Iterator[tuple[Any, Any]]]] = {
        "vqa": vqa, "textvqa": textvqa, "aokvqa": aokvqa, "anls": anls, "relaxed": relaxed, "mmmu": mmmu,
        "pope": pope, "mme": mme, "miou": miou, "pope_figures": pope_figures, "mme_scores": mme_scores,
        "mmbench": mmbench, "mmstar": mmstar, "gqa": gqa, "refcoco": refcoco,
    }  # fmt: skip
    for name, maker in makers.items():
        if names and name not in names:
            continue
        repository, commit, path = OFFICIAL[name]
        cases = [{"input": given, "expected": expected} for given, expected in maker(source(sources, name))]
        lines = ",\n".join(json.dumps(case, ensure_ascii=False) for case in cases)
        head = json.dumps({"repository": repository, "commit": commit, "file": path})
        command = json.dumps(f"python tests/evaluating/golden/make.py SOURCES {name}")
        text = f'{{"official": {head},\n"command": {command},\n"cases": [\n{lines}\n]}}\n'
        (HERE / f"{name}.json").write_text(text)
        sys.stdout.write(f"{name}: {len(cases)} cases\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
