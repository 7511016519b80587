"""lmms-eval asks and scores: a task of one's own, before and after an adapter, against the native way."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from datasets import Dataset, Features, Image, Value
from typer.testing import Result

from auditdm_hub.errors import BackendUnavailableError, ConfigError
from auditdm_hub.evaluating.asking import read_answers
from auditdm_hub.evaluating.benchmarks import BENCHMARKS
from auditdm_hub.evaluating.lmms import AS_A_WHOLE, TASKS, _metric, _score, refuse_unknown, run_task, task_of
from auditdm_hub.models import load_vlm
from auditdm_hub.playground.backends import pictures
from auditdm_hub.playground.draw import read
from auditdm_hub.playground.models import TARGET, model_folder
from auditdm_hub.playground.skills import solve
from auditdm_hub.workflows.evaluation import Evaluation, run_evaluation

Cli = Callable[..., Result]
COUNT = 24
TASK = """
task: drawn_world
dataset_path: {data}
test_split: test
output_type: generate_until
doc_to_visual: !function visuals.visual
doc_to_text: question
doc_to_target: answer
generation_kwargs: {{max_new_tokens: 8}}
metric_list:
  - {{metric: exact_match, aggregation: mean, higher_is_better: true}}
"""


@pytest.fixture(scope="module")
def tasks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a task of lmms-eval about the playground."""
    folder = tmp_path_factory.mktemp("tasks")
    rows = []
    for number, (image, _, question) in enumerate(pictures(COUNT, 5)):
        scene = read(image)
        truth = solve(scene, question) if scene else None
        rows.append({"id": str(number), "image": image, "question": question, "answer": truth.answer if truth else ""})
    features = Features(
        {"id": Value("string"), "image": Image(), "question": Value("string"), "answer": Value("string")}
    )
    (folder / "data").mkdir()
    Dataset.from_list(rows, features=features).to_parquet(folder / "data" / "test-00000-of-00001.parquet")
    (folder / "drawn_world.yaml").write_text(TASK.format(data=folder / "data"))
    (folder / "visuals.py").write_text("def visual(doc):\n    return [doc['image'].convert('RGB')]\n")
    return folder


def test_tasks_are_named_as_benchmarks() -> None:
    assert set(TASKS) | AS_A_WHOLE <= set(BENCHMARKS)
    assert not set(TASKS) & AS_A_WHOLE
    assert (task_of("vqav2"), task_of("hallusion_bench_image")) == ("vqav2_val", "hallusion_bench_image")


@pytest.mark.parametrize(
    ("value", "wanted"),
    [(1, 1.0), (0.25, 0.25), (True, 1.0), ({"questionId": 3, "score": 0.5}, 0.5), ({"accuracy": 1}, 1.0), ("1", None),
     ({"answer": "a"}, None), (None, None), ([1.0], None)],
)  # fmt: skip
def test_scores_of_one_answer_are_numbers_or_records(value: object, wanted: float | None) -> None:
    assert _score(value) == wanted


def test_a_task_without_a_score_for_each_answer_is_refused() -> None:
    samples = [{"anls": {"score": 0.5}, "total": {"answer": "a"}}, {"anls": {"score": 1}, "total": {"answer": "b"}}]
    assert _metric("task", {"total": True, "anls": True}, samples) == "anls"
    with pytest.raises(ConfigError, match=r"lmms-eval's task has no score for each answer \(total\)"):
        _metric("task", {"total": True}, samples)


def test_without_lmms_eval_one_line_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, cli: Cli, tmp_path: Path
) -> None:
    monkeypatch.setattr("auditdm_hub.evaluating.lmms.find_spec", lambda name: None)
    with pytest.raises(BackendUnavailableError, match=r"auditdm-hub\[lmms-eval\]"):
        refuse_unknown(["vqav2"], "")
    shown = cli(
        "evaluate", "playground", "--driver", "lmms-eval", "--benchmark", "vqav2", "--out", str(tmp_path / "run")
    )
    assert shown.exit_code != 0
    assert "pip install" in shown.stderr
    assert not (tmp_path / "run").exists()


def test_a_driver_is_one_of_two(cli: Cli, tmp_path: Path) -> None:
    shown = cli("evaluate", "playground", "--driver", "else", "--benchmark", "vqav2", "--out", str(tmp_path / "run"))
    assert shown.exit_code == 2
    assert "--driver: got 'else', wanted native or lmms-eval" in shown.stderr


@pytest.mark.extras
def test_lmms_eval_scores_what_this_package_would(tasks: Path, tmp_path: Path) -> None:
    wanted = Evaluation("playground", benchmarks=("drawn_world",), data=str(tasks), driver="lmms-eval", device="cpu")
    run = run_evaluation(wanted, tmp_path / "run")
    score = json.loads((run.path / "evaluation.json").read_text())["scores"]["model"][0]
    assert (score["benchmark"], score["items"]) == ("drawn_world", COUNT)
    assert score["metric"] == "exact_match of lmms-eval's task drawn_world"
    pool = list(pictures(COUNT, 5))
    model = load_vlm(str(model_folder(TARGET)), device="cpu")
    said = model.answer([image for image, _, _ in pool], [question for *_, question in pool])
    kept = read_answers(run.path / "answers" / "model" / "drawn_world")
    assert [item.answer for item in kept] == said
    right = [item.answer == item.wanted["target"] for item in kept]  # type: ignore[index, call-overload]
    assert score["value"] == pytest.approx(sum(right) / COUNT)


@pytest.mark.extras
def test_blind_it_sees_nothing_and_unknown_tasks_are_refused(tasks: Path, tmp_path: Path) -> None:
    wanted = Evaluation(
        "playground",
        benchmarks=("drawn_world",),
        data=str(tasks),
        driver="lmms-eval",
        device="cpu",
        blind=True,
        limit=20,
    )
    run = run_evaluation(wanted, tmp_path / "run")
    scores = json.loads((run.path / "evaluation.json").read_text())["scores"]
    assert scores["model-blind"][0]["value"] < scores["model"][0]["value"]
    with pytest.raises(ConfigError, match="no task 'nonsense'"):
        run_evaluation(Evaluation("playground", benchmarks=("nonsense",), driver="lmms-eval"), tmp_path / "other")
    assert not (tmp_path / "other").exists()


@pytest.mark.extras
def test_an_answer_ends_where_its_task_says_and_none_is_no_wrong_one(tasks: Path, tmp_path: Path) -> None:
    class Talking:
        """Gives no answer to every fourth question, and goes on after the others."""

        def again(self, template: str, tokens: int) -> "Talking":
            assert (template, tokens) == ("{question}", 8)
            return self

        def answer(self, images: list[object], questions: list[str]) -> list[str | None]:
            return [None if place % 4 == 0 else "4\n\nand more" for place in range(len(questions))]

    run_task(Talking(), "drawn_world", None, str(tasks), tmp_path, lambda image: image)  # type: ignore[arg-type]
    said = [item.answer for item in read_answers(tmp_path)]
    assert said.count(None) == COUNT // 4
    assert said.count("4") == COUNT - COUNT // 4
