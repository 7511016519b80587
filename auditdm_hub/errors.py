"""Every error a user can meet. Each message says what was got, what was wanted and what to do."""


class AuditDMError(Exception):
    """Base of all errors that auditdm-hub raises on purpose; the CLI prints it as one line and exits with 1."""


class ConfigError(AuditDMError):
    """A configuration or an option has an unknown key, a wrong type or an impossible value (exit code 2)."""


class RunError(AuditDMError):
    """A run directory is missing, locked by another process, from a newer version, or of another configuration."""


class PoolError(AuditDMError):
    """The image pool cannot be read or holds nothing that can be used."""


class ModelError(AuditDMError):
    """A model cannot be loaded, lacks a processor, or does not do what the role asks for."""


class BackendUnavailableError(AuditDMError):
    """An optional dependency or a remote server that was asked for is not there."""
