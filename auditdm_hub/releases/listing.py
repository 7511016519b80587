"""What is released: the versions in one place, or every failure set and adapter on the Hub."""

from dataclasses import dataclass
from typing import Any

from auditdm_hub.errors import ReleaseError
from auditdm_hub.releases.address import Address
from auditdm_hub.releases.hub_errors import explained
from auditdm_hub.releases.readers import RepoType, open_reader

TAG = "auditdm"


@dataclass(frozen=True, slots=True)
class Listed:
    """A version; `withdrawn` says why, or "". `rows` counts failures; `fault` says why nothing is known of it."""

    version: str
    date: str = ""
    rows: int = 0
    types: int = 0
    license: str = ""
    digest: str = ""
    withdrawn: str = ""
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """A repository on the Hub that says it was made by auditdm."""

    repo: str
    type: str
    changed: str
    license: str
    private: bool


def list_versions(address: Address, repo_type: RepoType | None = None, api: Any = None) -> list[Listed]:  # noqa: ANN401
    """Return the versions in a place, the newest first.

    Raises:
        HubError: there is no such repository, or the Hub does not answer.
    """
    reader = open_reader(address, repo_type, api)
    withdrawn = reader.withdrawn()
    listed = []
    for version in reversed(reader.versions()):
        why = withdrawn.get(str(version), "")
        try:
            manifest = reader.manifest(version)
        except ReleaseError as error:
            listed.append(Listed(str(version), withdrawn=why, fault=str(error)))
            continue
        rows = sum(manifest.rows.get("failures", {}).values())
        listed.append(
            Listed(str(version), manifest.date[:10], rows, len(manifest.types), manifest.license, manifest.digest, why)
        )  # fmt: skip
    return listed


def list_hub(api: Any = None) -> list[Found]:  # noqa: ANN401 - HfApi
    """Return every data set and model on the Hub with the tag "auditdm", by name.

    Raises:
        HubError: the Hub does not answer.
    """
    from huggingface_hub import HfApi

    api = api or HfApi()
    with explained("the Hub"):
        every = [("dataset", each) for each in api.list_datasets(filter=TAG)]
        every += [("model", each) for each in api.list_models(filter=TAG)]
    return sorted(
        (
            Found(each.id, kind, str(each.last_modified or "")[:10], _license(each.tags or []), bool(each.private))
            for kind, each in every
        ),
        key=lambda found: (found.type, found.repo),
    )


def _license(tags: list[str]) -> str:
    return next((tag.removeprefix("license:") for tag in tags if tag.startswith("license:")), "")
