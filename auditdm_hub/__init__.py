"""auditdm-hub: find, name, publish and repair what vision-language models cannot do (AuditDM, arXiv 2512.16921)."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from auditdm_hub.releases.load import load_failures
    from auditdm_hub.workflows import audit

__version__ = "0.1.0"
__all__ = ["__version__", "audit", "load_failures"]


def __getattr__(name: str) -> object:
    """Import what users call when it is first used, so that `import auditdm_hub` stays light."""
    if name == "audit":
        from auditdm_hub.workflows import audit

        return audit
    if name == "load_failures":
        from auditdm_hub.releases.load import load_failures

        return load_failures
    raise AttributeError(f"module 'auditdm_hub' has no attribute {name!r}")
