"""What licences ask for, and which one a release is under: the strictest join over its rows.

The join of several licences is the one among them that demands all that the others do. Where there is none
(share-alike beside non-commercial, say), the release is `other`, every row keeps its own, and LICENSES/README.md
explains. Terms with restrictions of use join with nothing that demands anything itself. A licence that nobody knows is
refused: what it demands cannot be passed on. Not legal advice.
"""

import re
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from auditdm_hub.errors import ReleaseError
from auditdm_hub.publishing.facts import ImageUse, License

MIXED = "mixed, by row"
OVERVIEW = "LICENSES/README.md"
CHANGES_FORBIDDEN, ALIKE, RESTRICTED = "nd", "sa", "use"
SOFTWARE = ("apache-2.0", "mit", "bsd-3-clause")
"""A program's licence says nothing of what it draws."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a licence asks for: `demands` of "by", "sa", "nc", "nd", "use"; `travels`: a copy of it has to go along.

    `spdx` names its text among the shipped ones; "" if there is none. `on_hub`: whether the Hub has the id. `notice` is
    what the licence wants said, word by word, beside a model that is derived from one under it.
    """

    id: str
    name: str
    url: str
    demands: frozenset[str] = frozenset()
    travels: bool = False
    spdx: str = ""
    on_hub: bool = True
    notice: str = ""


@cache
def table() -> Mapping[str, Terms]:
    """Return every licence that is known, by its id on the Hub; of two that demand the same, the later is preferred."""
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
            row.get("notice", ""),
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


def row_licenses(use: ImageUse) -> tuple[str, ...]:
    """Return the ids of the licences of images: that of the pool's image, and that of what drew or edited it.

    Raises:
        ReleaseError: one is unknown, or nobody named one.
    """
    found = [known(use.license, f"image_license of {use.origin}").id]
    if use.generator:
        maker = known(use.generator_license, f"the licence of {use.generator}, which drew or edited images")
        if maker.demands and maker.id not in (*SOFTWARE, *found):
            found.append(maker.id)
    return tuple(found)


def join(licenses: Collection[str]) -> License:
    """Return the licence of a whole whose parts are under these.

    Raises:
        ReleaseError: one is unknown, or there is none.
    """
    every = {known(text, "licence") for text in licenses}
    if not every:
        raise ReleaseError("the release has no licence: say it with --pool-license")
    demands = frozenset[str]().union(*(each.demands for each in every))
    demanding = {each for each in every if each.demands}
    # Share-alike and restrictions of use allow their own licence only: one that demands the same does not do.
    stubborn = {each for each in every if ALIKE in each.demands or (RESTRICTED in each.demands and len(demanding) > 1)}
    chosen = [each for each in (stubborn or every) if each.demands == demands]
    if len(stubborn) > 1 or not chosen or any(RESTRICTED in each.demands for each in stubborn):
        return License("other", MIXED, OVERVIEW, OVERVIEW)
    order = list(table())
    best = max(chosen, key=lambda each: order.index(each.id))
    text = f"LICENSES/{best.id}.txt"
    return License(best.id, "", "", text) if best.on_hub else License("other", best.id, best.url, text)


def tightened(before: str, after: str) -> bool:
    """Whether the second licence demands what the first did not; True where they differ and one is not known."""
    if before == after:
        return False
    old, new = find(before.removeprefix("other: ")), find(after.removeprefix("other: "))
    return old is None or new is None or not new.demands <= old.demands


@cache
def _spellings() -> Mapping[str, Terms]:
    every: dict[str, Terms] = {}
    for terms in table().values():
        every |= {_folded(text): terms for text in (terms.id, terms.spdx, terms.name) if text}
    for name, said in (("apache-2.0", "Apache License 2.0"), ("mit", "MIT License"), ("unlicense", "Unlicense")):
        every[_folded(said)] = table()[name]
    return every


def _folded(text: str) -> str:
    """Return a text as it is compared: small letters, digits and "+", without "creative commons".

    A letter that is not read as a Latin one is kept, so that no name with one is taken for another licence.
    """
    folded = unicodedata.normalize("NFKC", text).lower()
    folded = folded.replace("creative commons attribution", "cc-by").replace("creative commons", "cc")
    return re.sub(r"[^a-z0-9+\u0080-\U0010ffff]", "", folded)
