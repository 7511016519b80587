"""Builders of data-set and model cards."""
