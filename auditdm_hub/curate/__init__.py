"""Curate: deduplicate, cluster, describe and name failures. `curate` is the stage; see docs/curation.md."""

from auditdm_hub.curate.curation import UNASSIGNED, Beforehand, Curation, curate
from auditdm_hub.curate.deduplicate import Duplicate
from auditdm_hub.curate.embed import load_embedder
from auditdm_hub.curate.overrides import Overrides, read_overrides
from auditdm_hub.curate.predicates import matches, read_rule, write_rule

__all__ = [
    "UNASSIGNED",
    "Beforehand",
    "Curation",
    "Duplicate",
    "Overrides",
    "curate",
    "load_embedder",
    "matches",
    "read_overrides",
    "read_rule",
    "write_rule",
]
