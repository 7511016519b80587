"""The test Hub itself, where the tests of releases do not reach."""

from pathlib import Path

import numpy as np
import pytest
from huggingface_hub import HfApi, constants

from hub_server import HubServer


def test_a_hub_on_the_port_of_an_earlier_one_gets_every_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The client keeps for longer than a Hub lives what it has sent to which address."""
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    data = np.random.default_rng(0).bytes(200_000)
    port, data_port = 0, 0
    for name in ("one", "two"):
        with HubServer(tmp_path / name, port, data_port) as hub:
            port, data_port = (int(url.split(":")[2].split("/")[0]) for url in (hub.url, hub.data_url))
            api = HfApi(endpoint=hub.url, token=hub.token("ada"))
            api.create_repo("ada/set", repo_type="dataset")
            api.upload_file(
                path_or_fileobj=_file(tmp_path, data), path_in_repo="a.parquet", repo_id="ada/set", repo_type="dataset"
            )
            assert hub.asked("/v1/xorbs/", "POST") == 1
            assert (
                Path(
                    api.hf_hub_download(
                        "ada/set", "a.parquet", repo_type="dataset", cache_dir=tmp_path / name / "cache"
                    )
                ).read_bytes()
                == data
            )


def test_a_hub_that_is_started_again_has_lost_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    with HubServer(tmp_path / "hub") as hub:
        api = HfApi(endpoint=hub.url, token=hub.token("ada"))
        api.create_repo("ada/set", repo_type="dataset", private=True)
        commit = api.upload_file(
            path_or_fileobj=_file(tmp_path, b"x" * 9), path_in_repo="a.parquet", repo_id="ada/set", repo_type="dataset"
        ).oid
        api.create_tag("ada/set", tag="v1.0.0", repo_type="dataset")
    with HubServer(tmp_path / "hub") as hub:
        api = HfApi(endpoint=hub.url, token=hub.token("ada"))
        assert [tag.target_commit for tag in api.list_repo_refs("ada/set", repo_type="dataset").tags] == [commit]
        found = api.hf_hub_download("ada/set", "a.parquet", repo_type="dataset", cache_dir=tmp_path / "cache")
        assert Path(found).read_bytes() == b"x" * 9


def _file(folder: Path, data: bytes) -> str:
    path = folder / "file"
    path.write_bytes(data)
    return str(path)
