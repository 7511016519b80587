"""Rebuilds the playground's models from nothing: `python -m auditdm_hub.playground.build`."""
