"""Releases as consumers see them: versions, manifests, tables; list, download, verify and load. No torch."""
