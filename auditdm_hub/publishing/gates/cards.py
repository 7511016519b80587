"""The card of a release, before the Hub sees it."""

import re
from collections.abc import Iterator

import yaml

from auditdm_hub.publishing.gates.findings import Finding
from auditdm_hub.publishing.licenses import find

LARGEST = 1_000_000  # bytes; the Hub shows no longer ones
PLACEHOLDER = "More Information Needed"
REMEDY = "this is a mistake of the card: report it"


def check_card(path: str, data: bytes) -> Iterator[Finding]:
    """Yield what is wrong with a README.md: its YAML, its licence, its length, a gap that a template left."""
    text = data.decode(errors="replace")
    if len(data) > LARGEST:
        yield Finding(
            "card", path, f"has {len(data):,} bytes, wanted at most {LARGEST:,}", "publish fewer failure types"
        )
    found = re.match(r"---\n(.*?)\n---\n", text, re.DOTALL)
    if not found:
        yield Finding("card", path, "has no YAML at its top", REMEDY)
        return
    try:
        fields = yaml.safe_load(found[1])
    except yaml.YAMLError as error:
        yield Finding("card", path, f"has YAML that cannot be read ({error})", REMEDY)
        return
    licence = fields.get("license") if isinstance(fields, dict) else None
    named = isinstance(fields, dict) and fields.get("license_name") and fields.get("license_link")
    if not licence or (licence == "other" and not named) or (licence != "other" and find(str(licence)) is None):
        yield Finding("card", path, f"names no licence that is known (got {licence!r})", REMEDY)
    if PLACEHOLDER in text:
        yield Finding("card", path, f"says {PLACEHOLDER!r}", REMEDY)
