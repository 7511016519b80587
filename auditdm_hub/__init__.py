"""auditdm-hub: find, name, publish and repair what vision-language models cannot do (AuditDM, arXiv 2512.16921)."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from auditdm_hub.releases.load import load_failures
    from auditdm_hub.workflows import audit
    from auditdm_hub.workflows.calls import confirm, evaluate, rectify

__version__ = "0.1.0"
__all__ = ["__version__", "audit", "confirm", "evaluate", "load_failures", "rectify"]
PLACES = {
    "audit": "auditdm_hub.workflows", "confirm": "auditdm_hub.workflows.calls",
    "evaluate": "auditdm_hub.workflows.calls", "load_failures": "auditdm_hub.releases.load",
    "rectify": "auditdm_hub.workflows.calls",
}  # fmt: skip


def __getattr__(name: str) -> object:
    """Import what users call when it is first used, so that `import auditdm_hub` stays light."""
    if name in PLACES:
        return getattr(import_module(PLACES[name]), name)
    raise AttributeError(f"module 'auditdm_hub' has no attribute {name!r}")
