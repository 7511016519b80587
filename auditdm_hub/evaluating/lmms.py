"""lmms-eval as the driver: its tasks, prompts and metrics, asked of a model that this package loaded.

Any model that this package loads can be asked, with an adapter on it, whether or not lmms-eval has a
class for it. One image per question; tasks that compare likelihoods, or score all answers at once, are refused.
github.com/EvolvingLMMs-Lab/lmms-eval.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL.Image import Image

from auditdm_hub.errors import BackendUnavailableError, ConfigError
from auditdm_hub.evaluating.asking import CHUNK, SCHEMA
from auditdm_hub.evaluating.benchmark import Ask, Benchmark, Row, each
from auditdm_hub.evaluating.items import Item
from auditdm_hub.tables import chunk_path, write_table

if TYPE_CHECKING:
    from auditdm_hub.models.transformers_vlm import TransformersVLM

NAME = "lmms-eval"
TASKS: Mapping[str, str] = {
    "vqav2": "vqav2_val", "okvqa": "ok_vqa_val2014", "textvqa": "textvqa_val", "gqa": "gqa", "docvqa": "docvqa_val",
    "chartqa": "chartqa", "ai2d": "ai2d", "realworldqa": "realworldqa", "pope": "pope_adv", "pope-popular": "pope_pop",
    "pope-random": "pope_random", "mmstar": "mmstar",
}  # fmt: skip
"""The task of a benchmark's name; every other name is that of a task itself."""
AS_A_WHOLE = frozenset({"mmbench", "mmt-bench", "mme", "mmmu", "seed-bench", "coco-caption"})
"""Benchmarks whose tasks score all answers together: no answer has a score that could be compared."""
MOST_TOKENS = 1024


def task_of(name: str) -> str:
    """Return lmms-eval's name of a benchmark."""
    return TASKS.get(name, name)


def refuse_unknown(names: Sequence[str], folder: str) -> None:
    """Raise if a task is not there.

    Args:
        names: benchmarks, or tasks of lmms-eval.
        folder: with further tasks; "" = none.

    Raises:
        BackendUnavailableError: lmms-eval is not installed.
        ConfigError: a task is unknown.
    """
    if find_spec("lmms_eval") is None:
        raise BackendUnavailableError("--driver lmms-eval needs it: pip install 'auditdm-hub[lmms-eval]'")
    whole = next((name for name in names if name in AS_A_WHOLE), None)
    if whole is not None:
        raise ConfigError(f"--benchmark {whole}: lmms-eval scores its answers as a whole, not each: leave --driver out")
    known = _manager(folder).all_tasks
    unknown = next((name for name in names if task_of(name) not in known), None)
    if unknown is not None:
        raise ConfigError(f"--benchmark: lmms-eval has no task {task_of(unknown)!r}")


def benchmark_of(name: str, answers: Path) -> Benchmark:
    """Return a task as a benchmark whose scores are those that lmms-eval gave.

    Args:
        name: of the benchmark or the task.
        answers: folder into which `run_task` wrote.
    """
    facts = json.loads((answers / "task.json").read_text())
    return Benchmark(
        name, facts["dataset"], facts["split"], f"{facts['metric']} of lmms-eval's task {task_of(name)}", (), _none,
        each(lambda answer, wanted: float(wanted["score"])), prompt=NAME, prefix=NAME,
        figures=lambda items, scores: facts["figures"], source="https://github.com/EvolvingLMMs-Lab/lmms-eval",
        better="higher" if facts["higher_is_better"] else "lower",
    )  # fmt: skip


def run_task(
    model: "TransformersVLM", name: str, limit: int | None, folder: str, answers: Path, change: Callable[[Image], Image]
) -> None:
    """Let lmms-eval ask a model the questions of a task, and keep answers and scores.

    Args:
        model: what is asked.
        name: of the benchmark or the task.
        limit: of questions; None = all.
        folder: with further tasks; "" = none.
        answers: folder to write: a table as `ask_items` writes it, and task.json.
        change: what is done to each image before it is shown.

    Raises:
        ConfigError: the task is of a kind that cannot be asked, or has no score for each answer.
    """
    from lmms_eval.evaluator import simple_evaluate  # type: ignore[import-not-found,unused-ignore]

    task = task_of(name)
    asked = _wrapped(model, change)
    found = simple_evaluate(
        model=asked, tasks=[task], limit=limit, task_manager=_manager(folder), log_samples=True,
        verbosity="ERROR",
    )  # fmt: skip
    if task not in found["samples"]:
        parts = ", ".join(sorted(found["samples"]))
        raise ConfigError(f"--benchmark: lmms-eval's {task} is a group; name its tasks: {parts}")
    samples = found["samples"][task]
    metric = _metric(task, found["higher_is_better"][task], samples)
    config = found["configs"][task]
    rows = [
        {
            "id": str(sample["doc_id"]), "question": str(sample["arguments"][0]),
            "wanted": json.dumps({"target": str(sample["target"]), "score": str(_score(sample[metric]))}),
            "answer": None if sample["doc_id"] in asked.silent else str(sample["filtered_resps"][0]),
            "group": "", "part": "",
        }
        for sample in samples
    ]  # fmt: skip
    figures = {
        key.partition(",")[0]: float(value)
        for key, value in found["results"][task].items()
        if _is_number(value) and not key.startswith(metric) and "stderr" not in key
    }
    facts = {
        "dataset": str(config.get("dataset_path", "")), "split": str(config.get("test_split", "")), "metric": metric,
        "higher_is_better": bool(found["higher_is_better"][task][metric]), "figures": figures,
    }  # fmt: skip
    (answers / "task.json").write_text(json.dumps(facts, indent=2))
    write_table(chunk_path(answers, 0), rows, SCHEMA)


def _metric(task: str, metrics: Mapping[str, bool], samples: Sequence[Mapping[str, Any]]) -> str:
    """Return the first metric of a task that scores each answer."""
    scored = [name for name in metrics if all(_score(sample.get(name)) is not None for sample in samples)]
    if not scored or not samples:
        raise ConfigError(
            f"--benchmark: lmms-eval's {task} has no score for each answer ({', '.join(metrics)}): leave --driver out"
        )
    return scored[0]


def _score(value: object) -> float | None:
    """Return the score of one answer: a number, or the one in a record as many tasks write it."""
    if _is_number(value):
        return float(value)  # type: ignore[arg-type]
    if isinstance(value, Mapping):
        return next((float(value[key]) for key in ("score", "accuracy") if _is_number(value.get(key))), None)
    return None


def _is_number(value: object) -> bool:
    return not isinstance(value, str | bytes) and hasattr(value, "__float__")


@cache
def _manager(folder: str) -> Any:  # noqa: ANN401 - untyped
    """Return what knows the tasks; to read them all takes seconds."""
    from loguru import logger  # type: ignore[import-not-found,unused-ignore]

    logger.disable("lmms_eval")
    from lmms_eval.tasks import TaskManager  # type: ignore[import-not-found,unused-ignore]

    return TaskManager("ERROR", include_path=folder or None)


def _none(row: Row, ask: Ask) -> Iterator[Item]:
    del row, ask
    return iter(())


def _answers(model: "TransformersVLM", requests: Sequence[Any], image: Callable[[Any], Image]) -> list[str | None]:
    """Ask a model what lmms-eval requests, those with as many tokens to answer in together."""
    answers: dict[int, str | None] = {}
    by_length: dict[int, list[int]] = {}
    for place, request in enumerate(requests):
        by_length.setdefault(int(request.args[1].get("max_new_tokens") or MOST_TOKENS), []).append(place)
    for tokens, places in by_length.items():
        asked = model.again("{question}", tokens)
        for start in range(0, len(places), CHUNK):
            part = [requests[place] for place in places[start : start + CHUNK]]
            said = asked.answer([image(each) for each in part], [each.args[0] for each in part])
            answers |= dict(zip(places[start : start + CHUNK], map(_cut, part, said), strict=True))
    return [answers[place] for place in range(len(requests))]


def _cut(request: Any, answer: str | None) -> str | None:  # noqa: ANN401 - untyped
    """Return an answer up to where its task has it end."""
    for end in request.args[1].get("until") or ():
        answer = answer and answer.partition(end)[0]
    return answer


def _wrapped(model: "TransformersVLM", change: Callable[[Image], Image]) -> Any:  # noqa: ANN401 - untyped
    from lmms_eval.api.model import lmms  # type: ignore[import-not-found,unused-ignore]

    class Asked(lmms):  # type: ignore[misc,no-any-unimported,unused-ignore]
        """A model of this package, as lmms-eval wants it; `silent` are the questions that it gave no answer to."""

        def __init__(self) -> None:
            super().__init__()
            self.silent: set[int] = set()

        def generate_until(self, requests: Sequence[Any]) -> list[str]:
            """Return an answer for each request; lmms-eval has no word for one that was not got."""
            answers = _answers(model, requests, self._image)
            self.silent |= {
                request.args[3] for request, answer in zip(requests, answers, strict=True) if answer is None
            }
            return [answer or "" for answer in answers]

        def _image(self, request: Any) -> Image:  # noqa: ANN401
            _, _, visuals, number, task, split = request.args
            images = visuals(self.task_dict[task][split][number])
            if len(images) != 1:
                raise ConfigError(f"--benchmark: {task} asks about {len(images)} images at once, wanted one")
            return change(images[0].convert("RGB"))

        def loglikelihood(self, requests: Sequence[Any]) -> list[Any]:
            """Refuse: this package asks models, it does not compare likelihoods."""
            raise ConfigError("--benchmark: this task of lmms-eval compares likelihoods: leave --driver out")

        def generate_until_multi_round(self, requests: Sequence[Any]) -> list[str]:
            """Refuse: each question is asked once."""
            raise ConfigError("--benchmark: this task of lmms-eval asks in several rounds: leave --driver out")

    return Asked()
