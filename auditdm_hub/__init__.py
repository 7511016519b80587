"""auditdm-hub: find, name, publish and repair what vision-language models cannot do (AuditDM, arXiv 2512.16921)."""

__version__ = "0.1.0"
