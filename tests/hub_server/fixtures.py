"""Fixtures with a Hub: `pytest_plugins` is not needed, a conftest imports what it uses.

The clients read the address of the Hub, the cache and "offline" when they are imported, so tests in this process change
`huggingface_hub.constants`; subprocesses get `hub.env()`.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hub_server.server import HubServer


@pytest.fixture(params=["xet", "lfs"])
def plane(request: pytest.FixtureRequest) -> str:
    """Which way large files go; a test that takes this fixture runs once for each."""
    return str(request.param)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[HubServer]:
    """A Hub, and clients in this process that talk to it as ada, with an empty cache."""
    import datasets
    from huggingface_hub import constants, hf_api

    home = tmp_path / "home"
    lfs = "plane" in request.fixturenames and request.getfixturevalue("plane") == "lfs"
    with HubServer(tmp_path / "hub") as server:
        monkeypatch.setattr(constants, "ENDPOINT", server.url)
        template = f"{server.url}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(datasets.config, "HF_ENDPOINT", server.url)
        monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", home / "datasets")
        monkeypatch.setattr(hf_api.api, "endpoint", server.url)  # what module-level functions use
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", lfs)
        monkeypatch.setattr(constants, "HF_HOME", str(home))
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(home / "hub"))
        monkeypatch.setattr(constants, "HF_XET_CACHE", str(home / "xet"))
        monkeypatch.setenv("HF_TOKEN", server.token("ada"))
        yield server
    assert server.errors == []
