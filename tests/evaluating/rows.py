"""A few rows of each benchmark, with the columns of its data set (those that lmms-eval's tasks read)."""

import base64
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from datasets import Dataset, Features, Image, List, Value
from PIL import Image as Pictures

from auditdm_hub.evaluating.benchmarks import BENCHMARKS

Rows = list[dict[str, Any]]


def picture(number: int = 0, side: int = 32) -> Pictures.Image:
    return Pictures.new("RGB", (side, 2 * side), (40 * number % 256, 90, 160))


def _people(number: int) -> list[dict[str, Any]]:
    return [{"answer": "yes" if number % 2 else "two", "answer_id": each} for each in range(10)]


def _encoded() -> str:
    held = io.BytesIO()
    picture().save(held, "PNG")
    return base64.b64encode(held.getvalue()).decode()


def _letters(*options: str) -> dict[str, str]:
    return dict(zip("ABCD", options, strict=False))


MAKERS: dict[str, Callable[[int], dict[str, Any]]] = {
    "vqav2": lambda n: {"question_id": n, "image_id": n // 2, "image": picture(n), "question": f"Is it {n}?",
                        "answers": _people(n), "answer_type": "yes/no"},
    "okvqa": lambda n: {"question_id": str(n), "image": picture(n), "question": "Why?", "answers": ["yes"] * 10},
    "textvqa": lambda n: {"question_id": n, "image": picture(n), "question": "What is written?", "answers": ["a"] * 10},
    "aokvqa": lambda n: {"question_id": f"q{n}", "image": picture(n), "question": "What?",
                         "direct_answers": str(["cat"] * 6 + ["dog"] * 4), "difficult_direct_answer": n == 0},
    "aokvqa-choices": lambda n: {"question_id": f"q{n}", "image": picture(n), "question": "What?",
                                 "choices": ["cat", "dog", "cow", "hen"], "correct_choice_idx": 2},
    "gqa": lambda n: {"id": f"g{n}", "imageId": f"i{n}", "image": picture(n), "question": "Red?", "answer": "yes"},
    "docvqa": lambda n: {"questionId": str(n), "image": picture(n), "question": "What date?", "docId": 1,
                         "answers": ["1 May", "May 1"]},
    "chartqa": lambda n: {"type": ["human_test", "augmented_test"][n % 2], "image": picture(n), "question": "How many?",
                          "answer": "100"},
    "ai2d": lambda n: {"image": picture(n), "question": "Which?", "options": ["leaf", "root"], "answer": str(n % 2)},
    **{name: lambda n: {"question_id": f"r{n}", "image": picture(n), "answer": ["left cat", "the cat"],
                        "bbox": [8.0, 16.0, 16.0, 32.0]} for name in ("refcoco", "refcoco+", "refcocog")},
    **{f"{name}-seg": lambda n: {"question_id": f"r{n}", "image": picture(n), "answer": ["left cat", "the cat"],
                                 "segmentation": [8.0, 16.0, 24.0, 16.0, 24.0, 48.0, 8.0, 48.0]}
       for name in ("refcoco", "refcoco+", "refcocog")},
    "coco-caption": lambda n: {"filename": f"COCO_val2014_{n:012d}.jpg", "image": picture(n),
                               "sentences": ["a cat on a mat", "one cat"]},
    "mmbench": lambda n: {"index": n, "image": picture(n), "question": "Which?", "hint": "nan", "answer": "B",
                          "category": "ocr", **_letters("red", "blue", "green", "nan")},
    "mmt-bench": lambda n: {"index": n, "image": _encoded(), "question": "Which?", "answer": "A", "category": "ocr",
                            **_letters("red", "blue")},
    "seed-bench": lambda n: {"question_id": str(n), "data_type": ["image", "video"][n % 2], "question_type_id": 1,
                             "image": [picture(n)], "question": "Which?", "answer": "D",
                             **{f"choice_{letter}": f"{letter}{letter}" for letter in "abcd"}},
    "mmmu": lambda n: {"id": f"validation_Art_{n}", "image_1": picture(n), "image_2": picture(n, 16) if n else None,
                       "question": "Which is <image 1>?", "options": str(["red", "blue"]) if n else "[]",
                       "answer": "B" if n else "['4', 'four']",
                       "question_type": "multiple-choice" if n else "open"},
    "mmstar": lambda n: {"index": n, "image": picture(n), "question": "Which? Options: A: x, B: y", "answer": "B",
                         "category": "math"},
    "realworldqa": lambda n: {"image": picture(n), "question": "Is it? One word.", "answer": ["A", "Yes"][n % 2]},
    **{name: lambda n: {"id": str(n), "image": picture(n), "question": "Is there a cat?",
                        "answer": ["yes", "no"][n % 2], "image_source": "x"}
       for name in ("pope", "pope-popular", "pope-random")},
    "mme": lambda n: {"question_id": f"artwork/{n // 2}.jpg", "image": picture(n), "category": "artwork",
                      "question": f"Is it {n % 2}? Please answer yes or no.", "answer": ["Yes", "No"][n % 2]},
}  # fmt: skip


def write_rows(folder: Path, name: str, rows: Rows) -> Path:
    """Write rows as a data set that `--data` takes."""
    benchmark = BENCHMARKS[name]
    place = folder / name
    place.mkdir(parents=True)
    features = _features(rows)
    Dataset.from_list(rows, features=features).to_parquet(place / "rows.parquet")
    config = benchmark.config or "default"
    (place / "README.md").write_text(
        "---\nconfigs:\n- config_name: " + json.dumps(config) + "\n  data_files:\n  - split: "
        + json.dumps(benchmark.split) + "\n    path: rows.parquet\n---\n"
    )  # fmt: skip
    return folder


def _features(rows: Rows) -> Features | None:
    """Return the columns; those with images have to be said."""
    pictures = {name: Image() for row in rows for name, value in row.items() if isinstance(value, Pictures.Image)}
    several = {name: List(Image()) for row in rows for name, value in row.items()
               if isinstance(value, list) and value and isinstance(value[0], Pictures.Image)}  # fmt: skip
    plain = [{name: value for name, value in row.items() if name not in {**pictures, **several}} for row in rows]
    return Features({**Dataset.from_list(plain).features, **pictures, **several}) if plain[0] or pictures else None


__all__ = ["MAKERS", "Value", "picture", "write_rows"]
