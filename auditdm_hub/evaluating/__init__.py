"""Evaluate a model: benchmarks with their official metrics, released failures, and two models on the same items."""
