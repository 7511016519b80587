"""Models behind endpoints: answers, faults, limits; and a real server of transformers."""

import base64
import io
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from models.faulty_endpoint import Reply, failed, said, serving
from PIL import Image
from typer.testing import Result

from auditdm_hub.cache import AnswerCache, CachedVLM
from auditdm_hub.errors import AnswersEndedError, ModelError
from auditdm_hub.models import load_vlm
from auditdm_hub.models.endpoint import Asking, EndpointVLM, is_endpoint
from auditdm_hub.models.ledger import Ledger
from auditdm_hub.playground.backends import pictures
from auditdm_hub.playground.models import model_folder
from auditdm_hub.runs import Run

RED, BLUE = (Image.new("RGB", (4, 4), color) for color in ("red", "blue"))
QUICK = Asking(seconds=5, tries=2)
WITHHELD = said("I").__getitem__(2).replace('"stop"', '"content_filter"')


def question_of(body: dict[str, Any]) -> str:
    return str(body["messages"][0]["content"][1]["text"])


def echo(number: int, body: dict[str, Any]) -> Reply:
    return said(f" {question_of(body).upper()}\n")


def test_answers_come_in_order_and_equal_questions_are_sent_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    with serving(echo) as (url, log):
        model = EndpointVLM(f"{url}#org/Qwen3-VL", Asking("Q: {question}", 7))
        got = model.answer([RED, BLUE, RED, RED], ["one", "two", "one ", "two"])
    assert got == ["Q: ONE", "Q: TWO", "Q: ONE", "Q: TWO"]
    assert (len(log.requests), log.keys) == (3, {"Bearer secret"})
    assert (model.id, model.family) == (f"org/Qwen3-VL@{url[7:-3]}", "qwen")
    request = log.requests[0]
    assert (request["model"], request["max_tokens"], request["temperature"]) == ("org/Qwen3-VL", 7, 0.0)
    sent = request["messages"][0]["content"][0]["image_url"]["url"].partition("base64,")[2]
    with Image.open(io.BytesIO(base64.b64decode(sent))) as image:
        assert image.convert("RGB").getpixel((0, 0)) in ((255, 0, 0), (0, 0, 255))


def test_a_model_that_thinks_is_asked_as_it_wants_and_its_thoughts_are_no_answer() -> None:
    def reply(number: int, body: dict[str, Any]) -> Reply:
        if "temperature" in body:
            time.sleep(0.5 if question_of(body) == "late" else 0)  # when another one was answered already
            return failed(400, "Unsupported parameter: 'max_tokens' is not supported with this model.")
        return said({"one": "<think>is it</think>red", "two": "<think>is", "late": "blue"}[question_of(body)])

    with serving(reply) as (url, log):
        got = EndpointVLM(f"{url}#m", QUICK).answer([RED] * 3, ["one", "two", "late"])
    assert got == ["red", None, "blue"]
    assert log.requests[-1]["max_completion_tokens"] > 1000
    assert "max_tokens" not in log.requests[-1]


def test_a_wrong_request_is_not_sent_in_another_way() -> None:
    with serving(lambda number, body: failed(400, "the image is too large")) as (url, log):
        assert EndpointVLM(f"{url}#m", QUICK).answer([RED], ["one"]) == [None]
    assert len(log.requests) == 1


def test_an_image_that_is_refused_among_others_is_no_answer() -> None:
    def reply(number: int, body: dict[str, Any]) -> Reply:
        text = question_of(body)
        return failed(403, "flagged") if "flagged" in text else (200, {}, WITHHELD) if "filter" in text else said("red")

    with serving(reply) as (url, _):
        model = EndpointVLM(f"{url}#m", replace(QUICK, concurrency=1))
        assert model.answer([RED] * 4, ["one", "flagged?", "filter?", "two"]) == ["red", None, None, "red"]
        assert EndpointVLM(f"{url}#m", QUICK).answer([RED], ["flagged?"]) == [None]  # as a run that is resumed asks it
    with serving(lambda number, body: failed(403, "no")) as (url, log):
        with pytest.raises(AnswersEndedError, match="refuses the key"):
            EndpointVLM(f"{url}#m", QUICK).answer([RED], ["what?"])
        assert len(log.requests) == 2  # the question, and a first one


def test_a_server_gets_no_key_that_is_anothers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    monkeypatch.setenv("MINE", "mine")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-1")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Token: hidden")
    with serving(echo) as (url, log):
        server = url.removeprefix("http://").removesuffix("/v1")
        sent = list[set[str]]()
        for keys in ({"api.openai.com": "OPENAI_API_KEY"}, {server: "MINE"}, {server.partition(":")[0]: "MINE"}):
            log.keys = set()
            EndpointVLM(f"{url}#m", replace(QUICK, keys=keys)).answer([RED], [f"what {keys}?"])
            sent.append(log.keys)
    assert sent == [{"Bearer none"}, {"Bearer mine"}, {"Bearer mine"}]
    assert [("openai-organization" in each, "x-token" in each) for each in log.headers] == [
        (False, False), (True, True), (True, True)
    ]  # fmt: skip
    refusing = serving(lambda number, body: failed(401, "no"))
    with refusing as (url, _), pytest.raises(AnswersEndedError, match="to answer without a key"):
        EndpointVLM(f"{url}#m", replace(QUICK, keys={"other": "MINE"})).answer([RED], ["what?"])


def test_no_more_requests_are_open_than_allowed() -> None:
    def slow(number: int, body: dict[str, Any]) -> Reply:
        time.sleep(0.05)
        return echo(number, body)

    with serving(slow) as (url, log):
        model = EndpointVLM(f"{url}#m", Asking(concurrency=3))
        assert model.answer([RED] * 12, [str(k) for k in range(12)]) == [str(k) for k in range(12)]
    assert 2 <= log.most <= 3


@pytest.mark.parametrize(
    "fault",
    [
        failed(500, "oops"),
        failed(503, "loading"),
        failed(429, "slow down", Retry_After="0"),
        failed(400, "no such image"),
        (200, {}, "<html>garbage"),
        (200, {}, '{"choices": []}'),
        (200, {}, '{"choices": [{"message": {}}]}'),
        (200, {}, "[1, 2]"),
        said(""),
        said(None),
    ],
)
def test_a_fault_is_no_answer_and_never_a_wrong_one(fault: Reply) -> None:
    def script(number: int, body: dict[str, Any]) -> Reply:
        return fault if question_of(body) == "bad" else echo(number, body)

    with serving(script) as (url, _):
        model = EndpointVLM(f"{url}#m", QUICK)
        assert model.answer([RED, RED], ["bad", "good"]) == [None, "GOOD"]


def test_a_request_is_sent_again_when_the_server_says() -> None:
    def script(number: int, body: dict[str, Any]) -> Reply:
        return failed(429, "slow down", Retry_After="1") if number == 0 else echo(number, body)

    with serving(script) as (url, log):
        assert EndpointVLM(f"{url}#m", Asking(tries=3)).answer([RED], ["again"]) == ["AGAIN"]
    assert 0.9 < log.times[1] - log.times[0] < 3


def test_a_late_answer_is_none() -> None:
    def script(number: int, body: dict[str, Any]) -> Reply:
        time.sleep(1.0 if question_of(body) == "slow" else 0)
        return echo(number, body)

    with serving(script) as (url, _):
        model = EndpointVLM(f"{url}#m", Asking(seconds=0.3, tries=1))
        assert model.answer([RED, RED], ["slow", "quick"]) == [None, "QUICK"]


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (failed(401, "Incorrect API key"), "refuses the key in OPENAI_API_KEY"),
        (failed(403, "gated"), "refuses the key"),
        (failed(404, "no such model"), "has no model m"),
        (failed(429, "You exceeded your quota", "insufficient_quota"), "no credit left"),
    ],
)
def test_what_waiting_does_not_mend_ends_the_audit_in_one_line(fault: Reply, message: str) -> None:
    with (
        serving(lambda number, body: fault) as (url, _),
        pytest.raises(ModelError, match=message) as caught,
    ):
        EndpointVLM(f"{url}#m", QUICK).answer([RED], ["why?"])
    assert "\n" not in str(caught.value)


def test_what_was_got_before_the_credit_ended_is_kept(tmp_path: Path) -> None:
    def script(number: int, body: dict[str, Any]) -> Reply:
        return echo(number, body) if number < 3 else failed(402, "Insufficient credits")

    with AnswerCache(tmp_path / "answers.sqlite") as cache:
        with serving(script) as (url, log):
            ledger = Ledger(tmp_path / "spending.json", {})
            model = CachedVLM(EndpointVLM(f"{url}#m", Asking(concurrency=1, tries=1), ledger), cache, "greedy")
            with pytest.raises(ModelError, match="no credit left: .*--resume"):
                model.answer([RED] * 6, [str(k) for k in range(6)])
            assert len(log.requests) == 4  # nothing more is asked
        assert ledger.tokens == {f"{url}#m": (300, 30)}
        port = int(url.rsplit(":", 1)[1].split("/")[0])
        with serving(echo, port) as (_, later):
            again = CachedVLM(EndpointVLM(f"{url}#m", Asking()), cache, "greedy")
            assert again.answer([RED] * 6, [str(k) for k in range(6)]) == [str(k) for k in range(6)]
            assert len(later.requests) == 3


def test_a_password_in_the_address_is_refused() -> None:
    with pytest.raises(ModelError, match="holds a name or a password") as caught:
        EndpointVLM("https://user:secret@host/v1#m", Asking())
    assert "secret" not in str(caught.value)


def test_silence_ends_the_audit_and_one_answer_breaks_it() -> None:
    down = False

    def script(number: int, body: dict[str, Any]) -> Reply:
        return failed(500, "oops") if down or question_of(body) == "bad" else echo(number, body)

    with serving(script) as (url, _):
        model = EndpointVLM(f"{url}#m", Asking(tries=1))
        for text in ("bad", "bad", "good", "bad", "bad", "bad", "bad"):  # some image or question that it never answers
            assert (model.answer([RED], [text]) == [None]) == (text == "bad")
        down = True
        model.answer([BLUE], ["bad"])
        with pytest.raises(ModelError, match=r"no answer to 3 batches in a row \(.*oops.*--resume"):
            model.answer([BLUE], ["bad"])
    nobody = EndpointVLM(f"{url}#m", Asking(tries=1))
    assert [nobody.answer([RED], ["good"]) for _ in range(2)] == [[None], [None]]
    with pytest.raises(ModelError, match=r"3 batches in a row \(Connection error"):
        nobody.answer([RED], ["good"])


def test_the_ledger_adds_up_over_runs_and_stops_at_the_limit(tmp_path: Path) -> None:
    file = tmp_path / "spending.json"
    with serving(echo) as (url, _):
        prices = {f"{url}#m": (1000.0, 2000.0), "m": (1e6, 1e6)}
        model = EndpointVLM(f"{url}#m", Asking(), Ledger(file, prices, 0.5))
        model.answer([RED, RED], ["one", "two"])
        again = Ledger(file, prices, 0.5)
        assert again.tokens == {f"{url}#m": (200, 20)}
        assert again.spent == pytest.approx(0.24)
        model = EndpointVLM(f"{url}#m", Asking(), again)
        model.answer([RED] * 3, ["three", "four", "five"])
        with pytest.raises(ModelError, match=r"cost 0\.60 so far, and --max-cost is 0\.5"):
            model.answer([RED], ["six"])
    assert Ledger(file, {}, 0.5).spent == 0
    assert Ledger(file, {"m": (1000.0, 2000.0)}).spent == pytest.approx(0.6)


@pytest.mark.parametrize("name", ["org/model", "http://host/v1", "ftp://host#m", "http://host/v1#", "#m"])
def test_other_names_are_no_endpoints(name: str) -> None:
    assert not is_endpoint(name)
    with pytest.raises(ModelError, match="wanted URL#MODEL"):
        EndpointVLM(name, Asking())


@pytest.fixture(scope="module")
def served() -> Iterator[str]:
    """`transformers serve` with the holdout of the playground."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = str(model_folder("holdout"))
    server = Path(sys.executable).with_name("transformers")
    command = [str(server), "serve", folder, "--port", str(port), "--device", "cpu"]
    process = subprocess.Popen(
        command, env={**os.environ, "OMP_NUM_THREADS": "1"}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(300):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2).close()
                break
            except (urllib.error.URLError, TimeoutError):
                assert process.poll() is None, "the server ended"
                time.sleep(0.5)
        yield f"http://127.0.0.1:{port}/v1#{folder}"
    finally:
        process.terminate()
        process.wait(30)


def test_a_real_server_answers_as_the_model_does_here(served: str) -> None:
    rows = list(pictures(24, 5))
    images, questions = [row[0] for row in rows], [row[2] for row in rows]
    here = load_vlm(str(model_folder("holdout")), device="cpu", batch_size=8, max_new_tokens=8)
    assert EndpointVLM(served, Asking(max_new_tokens=8)).answer(images, questions) == here.answer(images, questions)


def test_an_audit_of_a_served_model_stops_at_its_cost_and_goes_on(
    served: str, tmp_path: Path, cli: Callable[..., Result]
) -> None:
    out, config = tmp_path / "run", tmp_path / "audit.yaml"
    model = served.partition("#")[2]
    config.write_text(f"endpoints: {{prices: {{'{model}': [1000, 1000]}}}}\n")
    line = [
        *("audit", str(config), "--target", served, "--no-baseline"),
        *("--steps", "0", "--probes", "20", "--out", str(out)),
    ]
    stopped = cli(*line, "--max-cost", "0.0001")
    whole = cli(*line, "--max-cost", "100", "--resume")
    assert whole.exit_code == 0, whole.output
    run = Run.open(out)
    assert run.results()["models"]["target"] == {"id": f"{model}@{served[7:].partition('/')[0]}", "family": "holdout"}
    assert Ledger(out / "spending.json", {}, 0).tokens[served][0] > 100
    if stopped.exit_code:  # one batch may have been all there was to ask
        assert "--max-cost is 0.0001" in stopped.output
