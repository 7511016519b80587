"""Confirmation: whether a failure type that a search proposed holds on fresh images, against matched controls."""
