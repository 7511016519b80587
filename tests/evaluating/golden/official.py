"""The official scorers of the golden values, and how one is run without what it imports."""

import subprocess
import sys
import types
from pathlib import Path
from typing import Any

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
    "pope_figures": ("AoiDragon/POPE", "08d957b917e5a378a2f99d35b6293c536a66298b", "evaluate.py"),
    "mme_scores": ("zjunlp/Deco", "fee8d757c0a98036bc4e076b4ca6615350441ea7", "eval_tool/calculation.py"),
    "mmbench": ("open-compass/VLMEvalKit", "e8e78f05f3080fe28154f2130321f17951c3be94",
                "vlmeval/utils/matching_util.py, vlmeval/dataset/utils/multiple_choice.py"),
    "mmstar": ("MMStar-Benchmark/MMStar", "88f243ab4a39cb339530085c33aecb22819881a1",
               "eval/vlmeval/evaluate/mmstar.py"),
    "gqa": ("ronghanghu/gqa_eval_script", "0536fd447595cafeb7e3d82d17574cf67996c4c6", "eval.py"),
    "refcoco": ("lichengunc/refer", "e3bbaa30d2ca41cf0e5c0d3819d7e4ed9fd38fff", "pyEvalDemo.ipynb"),
}  # fmt: skip
"""MME's eval_tool and GQA's eval.py are handed out as archives. zjunlp/Deco has the first unchanged, ronghanghu's copy
of the second differs from others only where files are missing and in the consistency: accuracy is the same."""


def source(sources: Path, name: str) -> str:
    """Return an official file at its commit, or several one after the other."""
    repository, commit, paths = OFFICIAL[name]
    folder = sources / repository.replace("/", "+")
    git = next(each for each in (folder / "repo" / ".git", folder / "repo", folder) if (each / "HEAD").exists())
    commands = (["git", "-C", str(git), "show", f"{commit}:{path}"] for path in paths.split(", "))
    shown = (subprocess.run(each, check=True, capture_output=True, text=True).stdout for each in commands)
    return "\n".join(shown)


def module(text: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = {"__name__": name}
    exec(compile(text, name, "exec"), found)
    return found


def nothing(name: str, **held: object) -> types.ModuleType:
    """Put a module with nothing but these into the place of an official one."""
    made = types.ModuleType(name)
    made.__dict__.update(held)
    sys.modules[name] = made
    return made
