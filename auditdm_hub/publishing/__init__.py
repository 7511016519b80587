"""Releases as publishers make them: rows, licences, gates, the difference to the last release, and the protocol."""
