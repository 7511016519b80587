"""Releases as publishers make them: rows of a run, licences, gates, difference to the last release, and the protocol."""
