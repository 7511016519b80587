"""Mark a version as not to be used. It stays where it is; who lists or downloads it is told why.

`WITHDRAWN.json` lies beside the releases: on the Hub on `main`, in a folder at its root. Where the newest version is
withdrawn, the card on top says so, too.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from auditdm_hub.atomic import atomic_write_bytes
from auditdm_hub.errors import ReleaseError
from auditdm_hub.publishing.folder import VERSIONS, versions
from auditdm_hub.publishing.hub import WITHDREW, Place, Say, State, with_retries
from auditdm_hub.releases.hub_errors import explained
from auditdm_hub.releases.manifest import WITHDRAWN
from auditdm_hub.releases.version import Version
from auditdm_hub.text import as_markdown, visible

Marks = Mapping[str, Mapping[str, str]]


def withdraw_from_folder(folder: Path, version: Version, why: str) -> None:
    """Mark a version in a folder.

    Raises:
        ReleaseError: there is no such version.
    """
    _refuse_unknown(version, versions(folder), str(folder))
    file = folder / WITHDRAWN
    atomic_write_bytes(file, marked(json.loads(file.read_text()) if file.is_file() else {}, version, why))


def withdraw_from_hub(place: Place, state: State, version: Version, why: str, say: Say) -> None:
    """Mark a version on the Hub by a commit to main.

    Raises:
        ReleaseError: there is no such version.
        HubError: the Hub did not take it.
    """
    from huggingface_hub import CommitOperationAdd
    from huggingface_hub.errors import EntryNotFoundError

    from auditdm_hub.publishing.hub import read_state

    _refuse_unknown(version, state.versions, place.repo)
    with explained(place.repo):
        try:
            file = place.api.hf_hub_download(place.repo, WITHDRAWN, repo_type=place.kind, revision=state.head)
            marks: Marks = json.loads(Path(file).read_text())
        except EntryNotFoundError:
            marks = {}
        adds = [CommitOperationAdd(WITHDRAWN, marked(marks, version, why))]
        if version == state.versions[-1]:
            readme = place.api.hf_hub_download(place.repo, "README.md", repo_type=place.kind, revision=state.head)
            adds.append(CommitOperationAdd("README.md", with_notice(Path(readme).read_text(), version, why).encode()))
    if marks.get(str(version), {}).get("why") == why:
        say(f"{version} is withdrawn already")
        return

    def attempt() -> str:
        made = place.api.create_commit(
            place.repo,
            adds,
            commit_message=f"Withdraw {version}",
            commit_description=f"{WITHDREW} {version}",
            repo_type=place.kind,
            parent_commit=state.head,
        )
        return str(made.oid)

    def landed() -> str | None:
        head = read_state(place).head
        if head == state.head:
            return None
        with explained(place.repo):
            file = place.api.hf_hub_download(place.repo, WITHDRAWN, repo_type=place.kind, revision=head)
        if json.loads(Path(file).read_text()).get(str(version), {}).get("why") == why:
            return head
        raise ReleaseError(f"somebody else wrote to {place.repo} meanwhile ({head[:12]}): give the same command again")

    with_retries(attempt, landed, say)
    say(f"withdrew {version}")


def marked(marks: Marks, version: Version, why: str) -> bytes:
    """Return WITHDRAWN.json with one more version; one that is marked keeps its date."""
    before = marks.get(str(version), {})
    date = before.get("date") or datetime.now(UTC).date().isoformat()
    every = {**marks, str(version): {"why": visible(why), "date": date}}
    return (json.dumps(every, ensure_ascii=False, indent=2, sort_keys=True) + "\n").encode()


def with_notice(readme: str, version: Version, why: str) -> str:
    """Return a card that says below its YAML that the version is withdrawn."""
    top, mark, body = readme.partition("\n---\n")
    return f"{top}{mark}\n> **{version} is withdrawn:** {as_markdown(why)}\n{body}" if mark else readme


def _refuse_unknown(version: Version, known: list[Version], where: str) -> None:
    if version not in known:
        names = ", ".join(map(str, known)) or "none"
        raise ReleaseError(f"{where} has no version {version}; there are: {names} (in {VERSIONS}/ of a folder)")
