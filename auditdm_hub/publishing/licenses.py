"""What licences ask for, and which one a release is under: the strictest join over its rows.

The join of several licences is the one among them that demands all that the others do. Where there is none (share-alike
beside non-commercial, say), the release is `other`, every row keeps its own, and LICENSES/README.md explains. A licence
that nobody knows is refused: what it demands cannot be passed on. Not legal advice.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from auditdm_hub.errors import ReleaseError
from auditdm_hub.publishing.facts import License

MIXED = "mixed, by row"
OVERVIEW = "LICENSES/README.md"
CHANGES_FORBIDDEN, NOT_COMMERCIAL = "nd", "nc"
SOFTWARE = ("apache-2.0", "mit", "bsd-3-clause")
"""A program's licence says nothing of what it draws."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a licence asks for: `demands` of "by", "sa", "nc", "nd", "use"; `travels`: a copy of it has to go along.

    `spdx` names its text among the shipped ones; "" if there is none. `on_hub`: whether the Hub has the id.
    """

    id: str
    name: str
    url: str
    demands: frozenset[str] = frozenset()
    travels: bool = False
    spdx: str = ""
    on_hub: bool = True


@cache
def table() -> Mapping[str, Terms]:
    """Return every licence that is known, by its id on the Hub."""
    rows: dict[str, dict[str, Any]] = yaml.safe_load(files(__package__).joinpath("licenses.yaml").read_text())
    return {
        name: Terms(
            name,
            row["name"],
            row["url"],
            frozenset(row.get("demands", ())),
            row.get("terms", False),
            row.get("spdx", ""),
            not row.get("other", False),
        )
        for name, row in rows.items()
    }


def find(text: str) -> Terms | None:
    """Return the licence that a text names ("CC BY 4.0", "Apache License 2.0", "cc0-1.0"); None for an unknown one."""
    return _spellings().get(_folded(text))


def known(text: str, where: str) -> Terms:
    """Return the licence that a text names.

    Raises:
        ReleaseError: it is none of the known ones.
    """
    terms = find(text)
    if terms is None and not text:
        raise ReleaseError(
            f"{where}: no licence is named: say it with --pool-license (images) or --model-license (models)"
        )
    if terms is None:
        raise ReleaseError(
            f"{where}: the licence {text!r} is not known, so it cannot be said what a release has to pass on: "
            f"name one of {', '.join(sorted(table()))}"
        )
    return terms


def may_edit(text: str) -> bool:
    """Whether changed images may be passed on under a licence; an unknown one does not allow it."""
    terms = find(text)
    return terms is not None and CHANGES_FORBIDDEN not in terms.demands


def row_licenses(image: str, generator: str) -> tuple[str, ...]:
    """Return the ids of the licences of a row's image: that of the pool's image, and that of what drew or edited it."""
    found = [known(image, "image_license").id]
    maker = find(generator) if generator else None
    if maker and maker.demands and maker.id not in (*SOFTWARE, *found):
        found.append(maker.id)
    return tuple(found)


def join(licenses: Collection[str]) -> License:
    """Return the licence of a whole whose parts are under these.

    Raises:
        ReleaseError: one is unknown, or there is none.
    """
    every = {known(text, "licence").id for text in licenses}
    if not every:
        raise ReleaseError("the release has no licence: say it with --pool-license")
    terms = [table()[name] for name in sorted(every)]
    demands = frozenset[str]().union(*(each.demands for each in terms))
    widest = [each for each in terms if each.demands == demands]
    # Share-alike allows its own licence only: another one that demands the same does not do.
    alike = [each for each in terms if "sa" in each.demands]
    chosen = alike if alike else widest
    if not widest or len({each.id for each in alike}) > 1 or not set(chosen) & set(widest):
        return License("other", MIXED, OVERVIEW, OVERVIEW)
    best = max(chosen, key=lambda each: (len(each.demands), each.id))
    text = f"LICENSES/{best.id}.txt"
    return License(best.id, "", "", text) if best.on_hub else License("other", best.id, best.url, text)


def tightened(before: str, after: str) -> bool:
    """Whether the second licence demands what the first did not; True where one is not known."""
    old, new = find(before.removeprefix("other: ")), find(after.removeprefix("other: "))
    return old is None or new is None or not new.demands <= old.demands


@cache
def _spellings() -> Mapping[str, Terms]:
    every: dict[str, Terms] = {}
    for terms in table().values():
        every |= {_folded(text): terms for text in (terms.id, terms.spdx, terms.name) if text}
    every[_folded("Apache License 2.0")] = every["apache20"]
    every[_folded("MIT License")] = every["mit"]
    return every


def _folded(text: str) -> str:
    """Return a text as it is compared: small letters, digits and dots between digits, without "creative commons"."""
    folded = text.lower().replace("creative commons attribution", "cc-by").replace("creative commons", "cc")
    return re.sub(r"[^a-z0-9+]", "", folded)
