"""Benchmarks from the Hub: at the commit that was found first, and under the former name of their organisation."""

from dataclasses import replace
from pathlib import Path

import pytest
from evaluating.rows import MAKERS, write_rows
from hub_server.fixtures import hub
from hub_server.server import HubServer
from huggingface_hub import HfApi

from auditdm_hub.errors import HubError
from auditdm_hub.evaluating.benchmarks import BENCHMARKS
from auditdm_hub.evaluating.items import Item
from auditdm_hub.evaluating.sources import Source, find_source, items_of

__all__ = ["hub"]
POPE = BENCHMARKS["pope"]


def uploaded(name: str, folder: Path, count: int) -> str:
    """Put rows of POPE on the Hub, and return the commit."""
    place = write_rows(folder, "pope", [MAKERS["pope"](number) for number in range(count)]) / "pope"
    HfApi().create_repo(name, repo_type="dataset", exist_ok=True)
    return HfApi().upload_folder(folder_path=place, repo_id=name, repo_type="dataset").oid


def asked(source: Source) -> list[Item]:
    return list(items_of(POPE, source, POPE.ask(prefix_model=False), None))


@pytest.mark.parametrize("owner", ["lmms-lab-encoder", "lmms-lab"])
def test_rows_come_from_the_commit_that_was_found(hub: HubServer, tmp_path: Path, owner: str) -> None:
    hub.accounts.users["ada"] = replace(hub.accounts.users["ada"], orgs=(owner,))
    first = uploaded(f"{owner}/POPE", tmp_path / "first", 3)
    source = find_source(POPE, None, "")
    assert source == Source(f"{owner}/POPE", first)
    second = uploaded(f"{owner}/POPE", tmp_path / "second", 5)
    assert len(asked(source)) == 3
    assert find_source(POPE, None, "") == Source(f"{owner}/POPE", second)
    assert find_source(POPE, None, first) == source


def test_a_data_set_that_is_nowhere_is_told(hub: HubServer) -> None:
    with pytest.raises(HubError, match=r"lmms-lab-encoder/POPE \(benchmark pope\)"):
        find_source(POPE, None, "")
