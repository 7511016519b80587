"""The stages, composed: what the command line and a notebook call. No other module knows more than its own stage."""

from auditdm_hub.workflows.api import audit
from auditdm_hub.workflows.parts import Parts
from auditdm_hub.workflows.stages import run_audit
from auditdm_hub.workflows.watching import SILENT, Watcher

__all__ = ["SILENT", "Parts", "Watcher", "audit", "run_audit"]
