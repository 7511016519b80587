"""Backends of the seams: transformers, diffusers and OpenAI-compatible servers."""
