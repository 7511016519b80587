import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import PackageNotFoundError

import pytest
from huggingface_hub import constants

from auditdm_hub import diagnosis
from auditdm_hub.diagnosis import check_hub, check_requirements, check_token, check_vision


class Handler(BaseHTTPRequestHandler):
    status = 200

    def do_HEAD(self) -> None:
        self.send_response(self.status)
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ThreadingHTTPServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(("status", "finding"), [(200, "ok"), (401, "ok"), (503, "note")])
def test_the_hub_is_asked(
    server: ThreadingHTTPServer, monkeypatch: pytest.MonkeyPatch, status: int, finding: str
) -> None:
    monkeypatch.setattr(Handler, "status", status)
    assert check_hub().status == finding


def test_a_hub_that_cannot_be_reached_is_only_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:1")
    check = check_hub()
    assert check.status == "note"
    assert "cannot be reached" in check.found
    assert "HF_ENDPOINT" in check.remedy


def test_offline_asks_nobody(server: ThreadingHTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert "HF_HUB_OFFLINE is set" in check_hub().found


def test_the_token_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    assert check_token().status == "ok"
    assert "secret" not in repr(check_token())
    monkeypatch.setattr("huggingface_hub.get_token", lambda: None)
    assert "hf auth login" in check_token().remedy


def test_requirements_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    assert {check.status for check in check_requirements()} == {"ok"}

    def version(name: str) -> str:
        if name in ("torch", "rich"):
            raise PackageNotFoundError(name)
        return "0.1"

    monkeypatch.setattr(diagnosis, "version", version)
    checks = {check.name: check for check in check_requirements()}
    assert (checks["torch"].status, checks["rich"].status, checks["trl"].status) == ("note", "wrong", "wrong")
    assert "auditdm-hub[audit]" in checks["torch"].remedy
    assert checks["trl"].remedy.startswith("pip install 'trl")
    assert "ruff" not in checks


@pytest.mark.parametrize(("torch", "vision", "status"), [
    ("2.13.0+cpu", "0.28.0+cpu", "ok"), ("2.13.0+cpu", "0.28.0", "note"), ("2.13.0", "0.28.0", "ok"),
    ("2.13.0+cpu", "", ""), ("2.13.0", "", "note"), ("", "", ""), ("2.13.0", "0.28.0+cu130", "ok"),
    ("2.14.1", "0.28.0", "note"),
])  # fmt: skip
def test_a_torchvision_that_is_missing_or_of_another_build_is_named(
    monkeypatch: pytest.MonkeyPatch, torch: str, vision: str, status: str
) -> None:
    def version(name: str) -> str:
        found = {"torch": torch, "torchvision": vision}.get(name, "1.0")
        if not found:
            raise PackageNotFoundError(name)
        return found

    monkeypatch.setattr(diagnosis, "version", version)
    monkeypatch.setattr(diagnosis, "requires", lambda name: ["numpy", "torch (==2.13.0)"])
    assert [check.status for check in check_vision() if check.name == "torchvision"] == ([status] if status else [])
