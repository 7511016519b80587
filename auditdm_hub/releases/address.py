"""Where a release is: `ORG/NAME[@VERSION]` on the Hub, or `DIR[@VERSION]`, a folder with releases (or a lone one).

"playground" is the release that comes with the package: the failures that the default audit found.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from auditdm_hub.errors import ConfigError
from auditdm_hub.releases.manifest import FILE_NAME
from auditdm_hub.releases.version import Version

VERSIONS = "versions"
EXAMPLE = "playground"
SHIPPED = Path(__file__).parent / "example"
REPO = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")


@dataclass(frozen=True, slots=True)
class Address:
    """A place and perhaps a version: `folder` is None for a repository of the Hub, whose name is `repo`."""

    repo: str
    folder: Path | None
    version: Version | None

    def __str__(self) -> str:
        return f"{self.repo}@{self.version}" if self.version else self.repo


def parse_address(text: str, version: str | None = None) -> Address:
    """Return what a text names; a folder that holds releases goes before a repository of that name.

    Args:
        text: "ORG/NAME", "ORG/NAME@v1.0.0", or a folder.
        version: another way to say the version.

    Raises:
        ConfigError: it is neither, or names two versions.
        ReleaseError: the version is none.
    """
    name, at, named = text.rpartition("@") if "@" in text and not is_releases(Path(text)) else (text, "", "")
    if named and version:
        raise ConfigError(f"got {text!r} and version {version!r}: say the version once")
    wanted = Version.parse(named or version or "") if named or version or at else None
    if name == EXAMPLE and not Path(name).exists():
        return Address(name, SHIPPED, wanted)
    if is_releases(Path(name)):
        return Address(name, Path(name), wanted)
    if REPO.fullmatch(name) and not Path(name).exists():
        return Address(name, None, wanted)
    why = "a folder without releases" if Path(name).is_dir() else "neither a folder nor a name on the Hub"
    raise ConfigError(f"got {text!r}, {why}: wanted ORG/NAME, ORG/NAME@VERSION, or a folder that was published to")


def is_releases(folder: Path) -> bool:
    """Whether a folder holds releases, or is one."""
    return (folder / VERSIONS).is_dir() or (folder / FILE_NAME).is_file()
