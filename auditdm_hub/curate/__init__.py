"""Deduplicate, cluster, describe and name failures."""
