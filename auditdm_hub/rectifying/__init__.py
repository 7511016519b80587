"""Rectify a model: training data from what an audit found, and a LoRA adapter that repairs it."""
