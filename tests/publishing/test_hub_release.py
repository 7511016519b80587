"""Releases on a Hub over HTTP: one commit and one tag, whatever goes wrong."""

import shutil
import threading
from pathlib import Path

import pytest
from datasets import load_dataset
from hub_server import HubServer, Rule
from huggingface_hub import HfApi
from publishing.conftest import Publish

from auditdm_hub import load_failures
from auditdm_hub.errors import AuditDMError, HubError, ReleaseError
from auditdm_hub.publishing.hub import Place, read_state
from auditdm_hub.releases.address import parse_address
from auditdm_hub.releases.check import check_release
from auditdm_hub.releases.download import download
from auditdm_hub.runs import Run


def released(hub: HubServer, repo: str = "ada/set") -> tuple[list[str], list[str]]:
    """Return the titles of all commits but the first, and the names of all tags."""
    api = HfApi()
    titles = [commit.title for commit in api.list_repo_commits(repo, repo_type="dataset")]
    return titles[:-1], [tag.name for tag in api.list_repo_refs(repo, repo_type="dataset").tags]


def test_a_run_is_published_once(hub: HubServer, plane: str, publish: Publish, run: Run) -> None:
    first = publish()
    assert first.fresh
    assert released(hub) == (["Release v1.0.0"], ["v1.0.0"])
    assert bool(hub.asked("/v1/xorbs/", "POST")) == (plane == "xet")
    assert bool(hub.asked("/lfs/", "PUT")) == (plane == "lfs")
    again = publish()
    assert (again.fresh, again.commit, again.version) == (False, first.commit, first.version)
    assert released(hub) == (["Release v1.0.0"], ["v1.0.0"])
    assert check_release(parse_address("ada/set")).faults == []
    rows = load_dataset("ada/set", revision="v1.0.0", token=hub.token())
    assert {split: len(part) for split, part in rows.items()} == {
        split: len(load_failures("ada/set", "v1.0.0", split=split)) for split in ("train", "test")
    }


FAULTS = {
    "the commit fails": Rule("/commit/main", status=500),
    "the commit is one too many": Rule("/commit/main", status=429, headers={"Retry-After": "0"}),
    "the commit never arrives": Rule("/commit/main", drop="before"),
    "the commit's reply is lost": Rule("/commit/main", drop="after"),
    "the commit fails twice": Rule("/commit/main", status=503, times=2),
    "the tag fails": Rule("/tag/", method="POST", status=500),
    "the tag never arrives": Rule("/tag/", method="POST", drop="before"),
    "the tag's reply is lost": Rule("/tag/", method="POST", drop="after"),
    "preupload fails": Rule("/preupload/", status=503),
    "the data plane fails": Rule("^/(v1/xorbs|lfs/)", plane="data", status=500),
    "the data plane hangs up": Rule("^/(v1/xorbs|lfs/)", plane="data", drop="before"),
    "the data plane's reply is lost": Rule("^/(v1/xorbs|lfs/)", plane="data", drop="after"),
    "a shard fails": Rule("^/v2/shards", plane="data", status=500),
    "a shard's reply is lost": Rule("^/v2/shards", plane="data", drop="after"),
    "the repository's reply is lost": Rule("/repos/create", drop="after"),
    "nothing answers from the commit on": Rule("(/commit/main|/refs)", drop="before", times=4, after=2),
}


@pytest.mark.parametrize("fault", [name for name in FAULTS if "shard" not in name])
def test_a_fault_that_passes_leaves_one_release(hub: HubServer, plane: str, publish: Publish, fault: str) -> None:
    publish_through(hub, publish, fault)


@pytest.mark.parametrize("plane", ["xet"], indirect=True)
@pytest.mark.parametrize("fault", [name for name in FAULTS if "shard" in name])
def test_a_fault_with_a_shard_leaves_one_release(hub: HubServer, plane: str, publish: Publish, fault: str) -> None:
    """Shards are a thing of the Xet plane only."""
    del plane
    publish_through(hub, publish, fault)


def publish_through(hub: HubServer, publish: Publish, fault: str) -> None:
    rule = hub.inject(Rule(**{**vars(FAULTS[fault]), "done": 0}))
    try:
        publish()
    except HubError as error:
        assert "give the same command again" in str(error)
        publish()
    assert rule.done == rule.times
    assert released(hub) == (["Release v1.0.0"], ["v1.0.0"])
    assert check_release(parse_address("ada/set")).faults == []


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (Rule("/commit/main", status=500, times=0), "the Hub has a fault (HTTP 500)"),
        (Rule("/commit/main", drop="before", times=0), "the connection failed"),
        (Rule("/commit/main", status=429, times=0), "too many requests"),
        (Rule("/tag/", method="POST", status=500, times=0), "the Hub has a fault"),
        (Rule("/validate-yaml", status=400), "refused"),
        (Rule("/repos/create", status=403), "this account may not do that"),
    ],
)
def test_a_fault_that_stays_is_told_and_mended_by_the_same_command(
    hub: HubServer, publish: Publish, rule: Rule, words: str
) -> None:
    hub.inject(Rule(**{**vars(rule), "done": 0}))
    with pytest.raises(HubError) as caught:
        publish()
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    hub.faults.clear()
    publish()
    assert released(hub) == (["Release v1.0.0"], ["v1.0.0"])


def test_a_token_that_expires_at_the_commit(hub: HubServer, publish: Publish) -> None:
    user = hub.accounts.users["ada"]
    hub.inject(
        Rule("/commit/main", status=401, headers={"X-Error-Message": "Invalid credentials in Authorization header"})
    )
    with pytest.raises(HubError, match="has expired: log in anew"):
        publish()
    user.expired = True
    with pytest.raises(HubError, match="has expired: log in anew"):
        publish()
    user.expired = False
    publish()
    assert released(hub) == (["Release v1.0.0"], ["v1.0.0"])


def test_a_foreign_commit_stops_a_release(hub: HubServer, publish: Publish, other_run: Run) -> None:
    publish()
    foreign = hub.foreign_commit("ada/set", "notes.md", b"mine")
    with pytest.raises(ReleaseError, match="has a commit that no release made"):
        publish(path=other_run.path, replace=True)
    assert read_state(Place(HfApi(), "ada/set", "dataset")).head == foreign


def test_a_foreign_commit_meanwhile_stops_a_release(hub: HubServer, publish: Publish) -> None:
    HfApi().create_repo("ada/set", repo_type="dataset")
    with pytest.raises(ReleaseError, match="somebody else wrote to ada/set meanwhile"):
        publish(between=lambda outline: hub.foreign_commit("ada/set", "notes.md", b"mine"))
    assert released(hub) == (["Update"], [])


def test_a_foreign_commit_can_be_approved(hub: HubServer, publish: Publish) -> None:
    HfApi().create_repo("ada/set", repo_type="dataset")
    foreign = hub.foreign_commit("ada/set", "notes.md", b"mine")
    with pytest.raises(ReleaseError, match="approved was 000000000000"):
        publish(parent="0" * 12)
    publish(parent=foreign[:12])
    assert released(hub) == (["Release v1.0.0", "Update"], ["v1.0.0"])


def test_a_tag_is_never_moved(hub: HubServer, publish: Publish) -> None:
    HfApi().create_repo("ada/set", repo_type="dataset")
    HfApi().create_branch("ada/set", branch="v1.0.0", repo_type="dataset")
    with pytest.raises(ReleaseError, match="has a branch v1.0.0"):
        publish()
    HfApi().delete_branch("ada/set", branch="v1.0.0", repo_type="dataset")
    between = lambda outline: HfApi().create_tag("ada/set", tag="v1.0.0", repo_type="dataset")  # noqa: E731
    with pytest.raises(ReleaseError, match="a tag v1.0.0 on another commit"):
        publish(between=between)


def test_a_tag_of_something_else_is_no_release(hub: HubServer, publish: Publish) -> None:
    HfApi().create_repo("ada/set", repo_type="dataset")
    HfApi().create_tag("ada/set", tag="v1.0.0", repo_type="dataset")
    with pytest.raises(ReleaseError, match="is no release of auditdm-hub"):
        publish()


def test_of_two_publishers_one_wins(hub: HubServer, publish: Publish, run: Run, tmp_path: Path) -> None:
    HfApi().create_repo("ada/set", repo_type="dataset")
    shutil.copytree(run.path, tmp_path / "copy")
    ready, failed = threading.Barrier(2), list[AuditDMError]()

    def one(path: Path) -> None:
        try:
            publish(path=path, between=lambda outline: ready.wait(60))
        except AuditDMError as error:
            failed.append(error)

    threads = [threading.Thread(target=one, args=(path,)) for path in (run.path, tmp_path / "copy")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert released(hub) == (["Release v1.0.0"], ["v1.0.0"])
    assert all("somebody else wrote" in str(error) for error in failed)


def test_an_object_that_gets_lost_is_told(hub: HubServer, publish: Publish) -> None:
    hub.inject(
        Rule(
            "/commit/main", status=400, headers={"X-Error-Message": "LFS pointer pointed to a file that does not exist"}
        )
    )
    with pytest.raises(HubError, match="does not exist"):
        publish()
    publish()


def test_private_and_gated_repositories(hub: HubServer, publish: Publish, monkeypatch: pytest.MonkeyPatch) -> None:
    publish("ada/private", private=True)
    publish("ada/gated", gated="manual")
    monkeypatch.setenv("HF_TOKEN", hub.token("eve"))
    with pytest.raises(HubError, match="not found; if it is private, log in"):
        download(parse_address("ada/private"))
    with pytest.raises(HubError, match="access is granted by its owner"):
        download(parse_address("ada/gated"))
    monkeypatch.setenv("HF_TOKEN", "hf_wrong" + "x" * 30)
    with pytest.raises(HubError, match="does not know the token"):
        download(parse_address("ada/gated"))


def test_append_replace_and_withdraw(hub: HubServer, publish: Publish, run: Run, other_run: Run) -> None:
    from auditdm_hub.workflows.publication import Options, withdraw_version

    publish()
    with pytest.raises(ReleaseError, match="of another run: add to it with --append"):
        publish(path=other_run.path)
    added = publish(path=other_run.path, append=True)
    assert added.version.major == 1 or added.version.major == 2
    assert publish(path=other_run.path, append=True).fresh is False
    both = {row["id"] for row in load_failures("ada/set", str(added.version), config="exchanges")}
    first = {row["id"] for row in load_failures("ada/set", "v1.0.0", config="exchanges")}
    assert first < both
    replaced = publish(path=other_run.path, replace=True)
    assert replaced.version.major == added.version.major + 1
    with pytest.raises(ReleaseError, match="wanted one after"):
        publish(version="v1.0.1", replace=True)
    withdraw_version("ada/set", str(replaced.version), "a | mistake", Options())
    withdraw_version("ada/set", str(replaced.version), "a | mistake", Options())
    said: list[str] = []
    download(parse_address(f"ada/set@{replaced.version}"), say=said.append)
    assert said == [f"Warning: ada/set {replaced.version} was withdrawn: a | mistake"]
    assert check_release(parse_address("ada/set")).name == f"ada/set {added.version}"
    assert [tag for tag in released(hub)[1]] == ["v1.0.0", str(added.version), str(replaced.version)]
