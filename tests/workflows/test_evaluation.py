"""An evaluation from Python: what it keeps, how it goes on after a kill, and what it says."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from evaluating.rows import MAKERS, write_rows
from models.faulty_endpoint import Reply, failed, said, serving
from PIL import Image

from auditdm_hub.errors import ConfigError, ModelError, ReleaseError, RunError
from auditdm_hub.evaluating import lmms
from auditdm_hub.evaluating.asking import CHUNK, read_answers
from auditdm_hub.evaluating.benchmarks import find
from auditdm_hub.evaluating.comparison import FILE
from auditdm_hub.evaluating.playground import NAME
from auditdm_hub.models.ledger import SPENDING, Ledger
from auditdm_hub.playground.models import TARGET, model_folder
from auditdm_hub.runs import Run
from auditdm_hub.workflows.evaluation import Evaluation, run_evaluation
from auditdm_hub.workflows.revisions import read_revisions

COUNT = 2 * CHUNK + 5


class Own:
    """Answers what it was told; counts the questions; stops after some if that is wanted."""

    id, family = "own@1", "own"

    def __init__(self, said: str | None = "yes", stop_after: int = 10**6) -> None:
        self._said, self._left = said, stop_after
        self.asked: list[str] = []
        self.colors: set[object] = set()

    def answer(self, images: Sequence[Image.Image], questions: Sequence[str]) -> list[str | None]:
        if self._left <= 0:
            raise KeyboardInterrupt
        self._left -= len(questions)
        self.asked += questions
        self.colors |= {image.getpixel((0, 0)) for image in images}
        return [self._said] * len(questions)


@pytest.fixture
def data(tmp_path: Path) -> str:
    return str(write_rows(tmp_path / "data", "vqav2", [MAKERS["vqav2"](n) for n in range(COUNT)]))


def results(run: Run) -> dict[str, object]:
    found = json.loads((run.path / FILE).read_text())
    return {name: value for name, value in found.items() if name != "date"}


def test_answers_are_kept_and_scored(data: str, tmp_path: Path) -> None:
    own = Own()
    run = run_evaluation(Evaluation("own", benchmarks=("vqav2",), data=data), tmp_path / "run", own=own)
    found = json.loads((run.path / FILE).read_text())
    (score,) = found["scores"]["model"]
    assert score["value"] == pytest.approx(66 / COUNT)  # every second answer of people is yes
    assert (score["items"], score["unanswered"]) == (COUNT, 0)
    assert score["metric"].startswith("soft accuracy")
    assert (score["split"], score["dataset"]) == ("validation", f"{data}/vqav2")
    kept = read_answers(run.path / "answers" / "model" / "vqav2")
    assert [item.question for item in kept] == own.asked
    assert own.asked[0] == "Is it 0?\nAnswer the question using a single word or phrase."
    assert found["comparisons"] == []


def test_after_a_kill_it_goes_on_where_it_was(data: str, tmp_path: Path) -> None:
    wanted = Evaluation("own", benchmarks=("vqav2",), data=data)
    whole = run_evaluation(wanted, tmp_path / "whole", own=Own())
    with pytest.raises(KeyboardInterrupt):
        run_evaluation(wanted, tmp_path / "run", own=Own(stop_after=CHUNK))
    rest = Own()
    run = run_evaluation(wanted, tmp_path / "run", resume=True, own=rest)
    assert len(rest.asked) == COUNT - CHUNK
    assert results(run) == results(whole)
    for number in range(3):
        name = Path("answers") / "model" / "vqav2" / f"{number:05d}.parquet"
        assert (run.path / name).read_bytes() == (whole.path / name).read_bytes()
    idle = Own()
    run_evaluation(wanted, tmp_path / "run", resume=True, own=idle)
    assert idle.asked == []


def test_blind_is_asked_without_the_image(data: str, tmp_path: Path) -> None:
    own = Own()
    wanted = Evaluation("own", benchmarks=("vqav2",), data=data, limit=4, blind=True)
    found = json.loads((run_evaluation(wanted, tmp_path / "run", own=own).path / FILE).read_text())
    assert set(found["scores"]) == {"model", "model-blind"}
    assert (128, 128, 128) in own.colors
    assert len(own.colors) == 5
    (looking,) = found["blind"]
    assert (looking["name"], looking["difference"]) == ("vqav2, model", 0)  # it does not look


def test_columns_that_are_gone_are_told_before_anything_is_asked(data: str, tmp_path: Path) -> None:
    rows = [{key: value for key, value in MAKERS["gqa"](n).items() if key != "answer"} for n in range(2)]
    write_rows(tmp_path / "data", "gqa", rows)
    own = Own()
    with pytest.raises(ConfigError, match="benchmark gqa: its data have no column answer"):
        run_evaluation(Evaluation("own", benchmarks=("vqav2", "gqa"), data=data), tmp_path / "run", own=own)
    assert own.asked == []
    assert not (tmp_path / "run").exists()


def test_no_answer_is_no_wrong_answer(data: str, tmp_path: Path) -> None:
    wanted = Evaluation("own", benchmarks=("vqav2",), data=data, limit=3)
    with pytest.raises(RunError, match="none of 3 questions was answered"):
        run_evaluation(wanted, tmp_path / "run", own=Own(said=None))


def test_an_endpoint_is_asked_with_the_lines_of_the_prompt(data: str, tmp_path: Path) -> None:
    def reply(number: int, body: dict[str, Any]) -> Reply:
        return failed(400, "too long") if number == 1 else said("yes")

    with serving(reply) as (url, log):
        wanted = Evaluation(f"{url}#org/m", benchmarks=("vqav2",), data=data)
        run = run_evaluation(wanted, tmp_path / "run")
    (score,) = json.loads((run.path / FILE).read_text())["scores"]["model"]
    unanswered = score["unanswered"]
    assert 1 <= unanswered < COUNT  # equal questions on one image are one request
    text = str(log.requests[1]["messages"][0]["content"][1]["text"])
    assert "\n" in text
    assert log.requests[1]["max_tokens"] == find("vqav2").max_new_tokens
    assert Ledger(run.path / SPENDING, {}).tokens == {wanted.model: (100 * (len(log.requests) - 1),
                                                                     10 * (len(log.requests) - 1))}  # fmt: skip


def test_an_endpoint_that_was_down_is_asked_again_and_pays_nothing_twice(tmp_path: Path) -> None:
    down = True

    def reply(number: int, body: dict[str, Any]) -> Reply:
        return failed(400, "down") if down and number > 4 else said("left")

    with serving(reply) as (url, log):
        wanted = Evaluation(f"{url}#m", failures="playground", limit=8, answer_prompt="Briefly: {question}")
        with pytest.raises(ModelError, match="1 batch in a row"):
            run_evaluation(wanted, tmp_path / "run")
        down, before = False, len(log.requests)
        run = run_evaluation(wanted, tmp_path / "run", resume=True)
        asked = [str(body["messages"][0]["content"]) for body in log.requests[1:]]
    answers = read_answers(run.path / "answers" / "model" / "failures")
    assert {row.answer for row in answers} == {"left"}
    assert len(answers) > 128 - 64
    assert all("Briefly: " in text for text in asked)
    paid = asked[:4]
    assert not set(paid) & set(asked[before - 1 :])


@pytest.mark.parametrize(
    ("status", "said_of_it"), [(404, "has no model m"), (401, "refuses the key in OPENAI_API_KEY"), (400, "what?")]
)
def test_an_endpoint_without_an_answer_leaves_no_run(status: int, said_of_it: str, data: str, tmp_path: Path) -> None:
    with serving(lambda number, body: failed(status, "what?")) as (url, log):
        wanted = Evaluation(f"{url}#m", benchmarks=("vqav2",), data=data)
        with pytest.raises(ModelError, match="gave no answer to a first question") as caught:
            run_evaluation(wanted, tmp_path / "run")
    assert said_of_it in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(log.requests) == 1
    assert not (tmp_path / "run").exists()


def test_an_endpoint_gets_the_key_that_is_named_for_it(
    data: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINE", "mine")
    with serving(lambda number, body: said("yes")) as (url, log):
        server = url.removeprefix("http://").removesuffix("/v1")
        wanted = Evaluation(f"{url}#m", benchmarks=("vqav2",), data=data, limit=3, keys={server: "MINE"})
        run_evaluation(wanted, tmp_path / "run")
    assert log.keys == {"Bearer mine"}


def test_an_evaluation_is_not_continued_with_another_version(tmp_path: Path) -> None:
    model = Path(shutil.copytree(model_folder(TARGET), tmp_path / "model"))
    wanted = Evaluation(str(model), suite=NAME, failures="playground", limit=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("auditdm_hub.workflows.evaluation.scores", _killed)
        with pytest.raises(KeyboardInterrupt):
            run_evaluation(wanted, tmp_path / "run")
    found = read_revisions(tmp_path / "run")
    assert set(found) == {str(model), "failures playground"}
    for file in (tmp_path / "run" / "answers" / "model" / NAME).iterdir():
        file.unlink()
    (model / "generation_config.json").write_text((model / "generation_config.json").read_text() + " ")
    with pytest.raises(ModelError, match="when this run began, and is model@.* now"):
        run_evaluation(wanted, tmp_path / "run", resume=True)


def _killed(*_: object) -> None:
    raise KeyboardInterrupt


def test_an_object_has_no_weights_for_an_adapter(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--adapter needs weights to go on, and the model is an object"):
        run_evaluation(Evaluation("own", suite=NAME, adapter="playground@v1.0.0"), tmp_path / "run", own=Own())


def test_a_limit_on_the_cost_of_an_endpoint_ends_it_and_more_goes_on(tmp_path: Path) -> None:
    with serving(lambda number, body: said("left")) as (url, log):
        wanted = Evaluation(f"{url}#m", failures="playground", limit=8, price=(1.0, 5.0), max_cost=0.001)
        with pytest.raises(ModelError, match="--max-cost is 0.001: continue with --resume"):
            run_evaluation(wanted, tmp_path / "run")
        asked = len(log.requests)
        run = run_evaluation(replace(wanted, max_cost=1.0), tmp_path / "run", resume=True)
    assert 64 <= asked < len(log.requests)
    each = (100 * 1.0 + 10 * 5.0) / 1e6  # tokens of `said`
    found = json.loads((run.path / FILE).read_text())["cost"]
    assert found["paid"] == pytest.approx(each * found["tokens read"] / 100)
    assert found["tokens written"] * 10 == found["tokens read"]


@pytest.mark.parametrize(
    ("model", "more", "said_of_it"),
    [
        ("playground", {"price": (1.0, 5.0)}, "--price is of a model behind an endpoint"),
        ("playground", {"max_cost": 1.0}, "--max-cost is of a model behind an endpoint"),
        ("http://127.0.0.1:9/v1#m", {"max_cost": 1.0}, "--max-cost needs --price READ,WRITTEN"),
    ],
)
def test_a_cost_that_cannot_be_told_is_refused(
    model: str, more: dict[str, Any], said_of_it: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=said_of_it):
        run_evaluation(Evaluation(model, suite=NAME, **more), tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("more", [{"adapter": "playground@v1.0.0"}, {"driver": lmms.NAME}])
def test_what_needs_weights_is_refused_of_an_endpoint(more: dict[str, str], data: str, tmp_path: Path) -> None:
    wanted = Evaluation("http://127.0.0.1:9/v1#m", benchmarks=("vqav2",), data=data, **more)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="needs weights, and http"):
        run_evaluation(wanted, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_released_failures_beside_controls(tmp_path: Path) -> None:
    wanted = Evaluation("own", failures="playground", limit=5)
    found = json.loads((run_evaluation(wanted, tmp_path / "run", own=Own("left")).path / FILE).read_text())
    shared = found["failures"]["model"]
    assert shared["release"] == "playground@v1.0.0"
    by_name = {kind["name"]: kind for kind in shared["types"]}
    assert by_name["telling left from right"]["error"] < 1 == by_name["adding numbers"]["error"]
    assert shared["controls"]["asked"] == 5
    test = run_evaluation(replace(wanted, split="test"), tmp_path / "test", own=Own("left"))
    assert json.loads((test.path / FILE).read_text())["failures"]["model"]["split"] == "test"


@pytest.mark.parametrize(
    ("wanted", "error", "words"),
    [
        (Evaluation("own"), ConfigError, "nothing to evaluate on"),
        (Evaluation("own", suite="all"), ConfigError, "--suite: got 'all', wanted one of paper, playground"),
        (Evaluation("own", benchmarks=("vqa",)), ConfigError, "--benchmark: got 'vqa', wanted one of vqav2"),
        (Evaluation("own", failures="playground", split="dev"), ConfigError, "--split: got 'dev'"),
        (Evaluation("own", suite="playground", revisions={"gqa": "x"}), ConfigError, "--revision gqa: that benchmark"),
        (Evaluation("own", benchmarks=("gqa",), data="nowhere"), ConfigError, "there is no folder gqa in it"),
        (Evaluation("own", failures="playground@v9.9.9"), ReleaseError, "has no version v9.9.9"),
    ],
)
def test_bad_input_leaves_nothing_behind(
    wanted: Evaluation, error: type[Exception], words: str, tmp_path: Path
) -> None:
    with pytest.raises(error, match=words):
        run_evaluation(wanted, tmp_path / "run", own=Own())
    assert not (tmp_path / "run").exists()


def test_the_other_driver_is_reached_before_any_of_its_files_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class ReachedError(RunError):
        pass

    def run_task(*_: object) -> None:
        raise ReachedError("it runs the task")

    monkeypatch.setattr(lmms, "refuse_unknown", lambda names, data: None)
    monkeypatch.setattr(lmms, "run_task", run_task)
    with pytest.raises(ReachedError):
        run_evaluation(Evaluation("playground", benchmarks=("pope",), driver="lmms-eval", device="cpu"), tmp_path / "r")
