"""The release protocol on the Hub: one commit, one tag, and a way back in from wherever it was interrupted.

1. Create the repository, if it is not there.
2. Read its state: the commit that `main` is at, the tags, who made the commits since the newest release. A tag of that
   version on a release with the same digest: done. On anything else: refuse; a tag is never moved.
3. Refuse to write over a commit that is not ours and that nobody approved.
4. Upload the large files; then one commit with everything, on the parent that was read. Its message holds the digest.
5. The reply may be lost: read `main` again. Our digest is there: landed. The old parent: try again. Else: stop.
6. Set the tag; a lost reply is found out by where the tag is.

Reading the release back (`read_back`) comes after that.

Nothing here keeps state on this machine, so the same command after any interruption goes on where that one stopped.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from auditdm_hub.errors import HubError, ReleaseError
from auditdm_hub.publishing.plan import Plan
from auditdm_hub.releases.hub_errors import client_errors, explain, explained, seconds_to_wait
from auditdm_hub.releases.manifest import BESIDE, FILE_NAME, File, Manifest, read_manifest
from auditdm_hub.releases.schema import INDEX
from auditdm_hub.releases.version import Version

if TYPE_CHECKING:
    from huggingface_hub import CommitOperationAdd, HfApi

TRIES = 6
LONGEST_WAIT = 60.0
"""Seconds between two tries, unless the Hub asks for more."""
RELEASED, WITHDREW = "auditdm-hub release", "auditdm-hub withdraws"
INITIAL = "initial commit"
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Place:
    """A repository: `kind` is "dataset" or "model"."""

    api: "HfApi"
    repo: str
    kind: str

    @property
    def url(self) -> str:
        """Where people see it."""
        return f"{self.api.endpoint}/{'datasets/' if self.kind == 'dataset' else ''}{self.repo}"


@dataclass(frozen=True, slots=True)
class State:
    """What a repository is at: `head` is the commit of main; `strangers`: commits since the last release not made here.

    `tags` and `branches`: name -> commit; `digests`: commit -> the digest that its message holds.
    """

    head: str
    tags: Mapping[str, str]
    branches: Mapping[str, str]
    digests: Mapping[str, str]
    strangers: tuple[str, ...]

    @property
    def versions(self) -> list[Version]:
        """The released versions, in order."""
        return Version.find(list(self.tags))


@dataclass(frozen=True, slots=True)
class Published:
    """A release that is on the Hub. `fresh`: whether anything had to be done."""

    url: str
    commit: str
    version: Version
    fresh: bool


def find_state(place: Place) -> State | None:
    """Return the state of a repository; None if there is none (or none that this account may see).

    Raises:
        HubError: the Hub does not answer, or the token is wrong.
    """
    from huggingface_hub.errors import RepositoryNotFoundError

    with explained(place.repo):
        who = place.api.whoami()  # a wrong token would look like a repository that is not there
        del who
        try:
            return read_state(place)
        except RepositoryNotFoundError:
            return None


def create(place: Place, private: bool, gated: Literal["auto", "manual"] | None) -> None:
    """Create the repository unless it is there, and set who may see it if that was asked for.

    Raises:
        HubError: this account may not.
    """
    with explained(place.repo):
        place.api.create_repo(place.repo, repo_type=place.kind, private=private or None, exist_ok=True)
        if private or gated:
            place.api.update_repo_settings(
                place.repo, repo_type=place.kind, private=True if private else None, gated=gated
            )  # fmt: skip


def fetch_newest(place: Place, state: State, folder: Path, whole: bool) -> Path | None:
    """Download what is needed of the newest release, and return where it is; None if there is no release.

    Args:
        place: the repository.
        state: its state.
        folder: where to put it.
        whole: everything; otherwise what tells the difference to another release.

    Raises:
        ReleaseError: what came is not what the release lists.
    """
    if not state.versions:
        return None
    tag = str(state.versions[-1])
    commit = state.tags[tag]
    with explained(f"{place.repo} {tag}"):
        names = None if whole else [FILE_NAME, INDEX]
        place.api.snapshot_download(
            place.repo, repo_type=place.kind, revision=commit, local_dir=folder, allow_patterns=names
        )  # fmt: skip
    check_files(folder, f"{place.repo} {tag}")
    return folder


def check_files(folder: Path, what: str) -> Manifest:
    """Return the manifest of a release of which some files lie in a folder; they are what it says.

    Raises:
        ReleaseError: one is not, or there is no manifest.
    """
    try:
        manifest = read_manifest((folder / FILE_NAME).read_bytes(), what)
    except FileNotFoundError:
        raise ReleaseError(f"{what} is no release of auditdm-hub: it has no {FILE_NAME}") from None
    for path, file in manifest.files.items():
        if (folder / path).is_file() and File.of(folder / path) != file:
            raise ReleaseError(f"{what}: {path} is not what {FILE_NAME} says: it was changed, or damaged on its way")
    return manifest


def read_state(place: Place) -> State:
    """Return the state of a repository.

    Raises:
        huggingface_hub.errors.RepositoryNotFoundError: there is none.
    """
    refs = place.api.list_repo_refs(place.repo, repo_type=place.kind)
    tags = {ref.name: ref.target_commit for ref in refs.tags}
    branches = {ref.name: ref.target_commit for ref in refs.branches}
    head = branches.get("main", "")
    released = {tags[str(version)] for version in Version.find(list(tags))}
    digests, strangers = dict[str, str](), list[str]()
    for commit in place.api.list_repo_commits(place.repo, repo_type=place.kind, revision=head) if head else ():
        if digest := _digest_in(commit.message, RELEASED):
            digests[commit.commit_id] = digest
        elif commit.commit_id not in released and not _harmless(commit.title, commit.message):
            strangers.append(commit.commit_id)
        if commit.commit_id in released:
            break
    return State(head, tags, branches, digests, tuple(strangers))


def release(plan: Plan, place: Place, state: State, approved: str | None, say: Say) -> Published:
    """Put a planned release on the Hub.

    Args:
        plan: what to publish.
        place: where; the repository exists.
        state: what was read when the plan was made.
        approved: a commit to build on although it is not ours; None = only on our own.
        say: is told of each step.

    Raises:
        ReleaseError: the tag is on another commit, or somebody else wrote to the repository.
        HubError: the Hub did not take it; what was uploaded stays, and the same command goes on.
    """
    tag, digest = str(plan.manifest.version), plan.manifest.digest
    if tag in state.branches:
        raise ReleaseError(f"{place.repo} has a branch {tag}: a release is a tag of that name; rename the branch")
    if plan.published and tag in state.tags:
        return Published(place.url, state.tags[tag], plan.manifest.version, fresh=False)
    if tag in state.tags:
        raise ReleaseError(
            f"{place.repo} has a tag {tag} with another content: a tag is never moved; publish a later version"
        )
    refuse_strangers(place, state, approved)
    commit = state.head if state.digests.get(state.head) == digest else _commit(plan, place, state.head, say)
    _tag(place, tag, commit, say)
    return Published(place.url, commit, plan.manifest.version, fresh=True)


def refuse_strangers(place: Place, state: State, approved: str | None) -> None:
    """Raise unless main is at a commit of ours, or at the one that was approved."""
    if approved and not state.head.startswith(approved):
        raise ReleaseError(
            f"{place.repo} is at {state.head[:12]}, approved was {approved[:12]}: look at it again (--dry-run)"
        )
    if state.strangers and not approved:
        raise ReleaseError(
            f"{place.repo} has a commit that no release made ({state.strangers[0][:12]}): its changes would be lost; "
            f"to publish on top of it, add --parent {state.head[:12]}"
        )


def with_retries(attempt: Callable[[], str], landed: Callable[[], str | None], say: Say) -> str:
    """Return what an attempt gives, or what was found landed after it failed.

    Args:
        attempt: a request that the client does not repeat by itself.
        landed: finds out whether it was carried out although its reply was lost; raises a `ReleaseError` if it cannot
            be any more. If the Hub does not answer this either, nothing is known yet.
        say: is told of each wait.

    Raises:
        HubError: it failed too often, or in a way that another try does not mend.
    """
    for number in range(TRIES):
        try:
            return attempt()
        except client_errors() as error:
            found = _found_out(landed)
            if found:
                return found
            wait = seconds_to_wait(error, min(LONGEST_WAIT, 2.0**number))
            if wait is None or number + 1 == TRIES:
                raise explain(error, "the release") from error
            say(f"The Hub did not answer as it should ({type(error).__name__}): again in {wait:.0f} s")
            time.sleep(wait)
    raise HubError("unreachable")


def _found_out(landed: Callable[[], str | None]) -> str | None:
    try:
        return landed()
    except HubError:
        return None
    except client_errors():
        return None


def _commit(plan: Plan, place: Place, parent: str, say: Say) -> str:
    """Make the one commit of a release and return its id."""
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    adds = [CommitOperationAdd(path, plan.folder / path) for path in plan.paths]
    there = _files_at(place, parent)
    deletes = [CommitOperationDelete(path) for path in sorted(there - set(plan.paths) - BESIDE)]
    say(f"uploading {len(adds)} files, {plan.size:,} bytes")
    upload(place, adds)

    def attempt() -> str:
        made = place.api.create_commit(
            place.repo,
            [*adds, *deletes],
            commit_message=f"Release {plan.manifest.version}",
            commit_description=f"{RELEASED} {plan.manifest.digest}",
            repo_type=place.kind,
            parent_commit=parent,
        )
        return str(made.oid)

    def landed() -> str | None:
        state = read_state(place)
        if state.digests.get(state.head) == plan.manifest.digest:
            return state.head
        if state.head != parent:
            raise ReleaseError(
                f"somebody else wrote to {place.repo} meanwhile ({state.head[:12]}): look at it, then publish again"
            )
        return None

    commit = with_retries(attempt, landed, say)
    say(f"committed {commit[:12]}")
    return commit


def _files_at(place: Place, commit: str) -> set[str]:
    with explained(place.repo):
        tree = place.api.list_repo_tree(place.repo, recursive=True, revision=commit, repo_type=place.kind)
        return {entry.path for entry in tree if hasattr(entry, "blob_id")}  # folders have none


def upload(place: Place, adds: "list[CommitOperationAdd]") -> None:
    """Upload what goes beside git, so that the commit itself is one small request.

    Raises:
        HubError: it did not get there, although the client tried again; what did is not uploaded twice.
    """
    with explained(f"upload to {place.repo}"):
        place.api.preupload_lfs_files(place.repo, adds, repo_type=place.kind, free_memory=False)


def _tag(place: Place, tag: str, commit: str, say: Say) -> None:
    def attempt() -> str:
        place.api.create_tag(place.repo, tag=tag, revision=commit, repo_type=place.kind)
        return commit

    def landed() -> str | None:
        found = read_state(place).tags.get(tag)
        if found not in (None, commit):
            raise ReleaseError(f"{place.repo} has a tag {tag} on another commit ({found[:12]}): a tag is never moved")
        return found

    with_retries(attempt, landed, say)
    say(f"tagged {tag}")


def _harmless(title: str, message: str) -> bool:
    return title.lower() == INITIAL or bool(_digest_in(message, WITHDREW))


def _digest_in(message: str, mark: str) -> str:
    """Return the digest in the message of a commit that was made with that mark; "" for any other commit."""
    for line in message.splitlines():
        if line.startswith(f"{mark} "):
            return line.removeprefix(mark).strip()
    return ""
