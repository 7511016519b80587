"""Make the golden values anew: run each official scorer once on the inputs below.

    python tests/evaluating/golden/make.py SOURCES

SOURCES holds clones of the repositories in `OFFICIAL`, each in a folder named OWNER+NAME, at the commit given there
(`git clone`, `git checkout`); scikit-learn and editdistance, for `miou` jax and flax, have to be installed. `make.py
SOURCES NAME ...` makes some of them. VQA's evaluation is for Python 2 and
goes through lib2to3, which Python 3.11 has. Nothing of these repositories is in this one.
"""

import io
import json
import subprocess
import sys
import tempfile
import types
import warnings
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
OFFICIAL = {
    "vqa": ("GT-Vision-Lab/VQA", "a013f0043c1e2cdc995922dfe257f7149aa9af06",
            "PythonEvaluationTools/vqaEvaluation/vqaEval.py"),
    "textvqa": ("facebookresearch/mmf", "b0ffc7fba39f210f833c127362146aec01a2f259", "mmf/utils/m4c_evaluators.py"),
    "aokvqa": ("allenai/aokvqa", "83786de0b24c4fef0bfe39420684f6f73d9f3581", "evaluation/eval_predictions.py"),
    "anls": ("facebookresearch/mmf", "b0ffc7fba39f210f833c127362146aec01a2f259", "mmf/utils/m4c_evaluators.py"),
    "relaxed": ("google-research/pix2struct", "945f27e936c9464d9d7c133f1bd1f4f383be9e99", "pix2struct/metrics.py"),
    "mmmu": ("MMMU-Benchmark/MMMU", "bb0b95a945998d91dfef37e969e07d49d1139438", "mmmu/utils/eval_utils.py"),
    "pope": ("AoiDragon/POPE", "08d957b917e5a378a2f99d35b6293c536a66298b", "evaluate.py"),
    "miou": ("google-research/big_vision", "0127fb6b337ee2a27bf4e54dea79cff176527356",
             "big_vision/evaluators/proj/paligemma/transfers/segmentation.py"),
    "mme": ("zjunlp/Deco", "fee8d757c0a98036bc4e076b4ca6615350441ea7", "eval_tool/calculation.py"),
}  # fmt: skip
"""MME's eval_tool is handed out as an archive; this repository has it unchanged."""
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
YES_NO = [
    "yes", "Yes", "no", "No", "NO", "Yes, there is.", "No, there is not.", "There is not a dog.", "There is no dog",
    "There is a dog. No cat.", "nothing", "Not at all", "", "y", "n", "Yes.", "No.", " yes", "yes no", "maybe", "Yep",
    "nope",
    "I know it", "o", "YES!", "it is, no, yes", "No\n", "not. yes", "noon", "eyes", "The answer is yes",
    "The answer is no",
]  # fmt: skip


def source(sources: Path, name: str) -> str:
    """Return an official file at its commit."""
    repository, commit, path = OFFICIAL[name]
    folder = sources / repository.replace("/", "+")
    git = next(each for each in (folder / "repo" / ".git", folder / "repo", folder) if (each / "HEAD").exists())
    command = ["git", "-C", str(git), "show", f"{commit}:{path}"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def module(text: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = {"__name__": name}
    exec(compile(text, name, "exec"), found)
    return found


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

    def nothing(name: str, **held: object) -> types.ModuleType:
        made = types.ModuleType(name)
        made.__dict__.update(held)
        sys.modules[name] = made
        return made

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


def main(sources: Path, names: list[str]) -> None:
    makers: dict[str, Callable[[str], Iterator[tuple[Any, Any]]]] = {
        "vqa": vqa, "textvqa": textvqa, "aokvqa": aokvqa, "anls": anls, "relaxed": relaxed, "mmmu": mmmu,
        "pope": pope, "mme": mme, "miou": miou,
    }  # fmt: skip
    for name, maker in makers.items():
        if names and name not in names:
            continue
        repository, commit, path = OFFICIAL[name]
        cases = [{"input": given, "expected": expected} for given, expected in maker(source(sources, name))]
        lines = ",\n".join(json.dumps(case, ensure_ascii=False) for case in cases)
        head = json.dumps({"repository": repository, "commit": commit, "file": path})
        (HERE / f"{name}.json").write_text(f'{{"official": {head},\n"cases": [\n{lines}\n]}}\n')
        sys.stdout.write(f"{name}: {len(cases)} cases\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
