"""The playground: a small visual world with ground truth, and small vision-language models trained on it.

It is the embedded default of `auditdm-hub audit`: offline, on a CPU, in minutes. It enters an audit only through the
seams of `auditdm_hub.protocols`, as Gemma or FLUX do; the truth that it knows is read by benchmarks alone.
"""
