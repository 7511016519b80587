"""The metrics of the benchmarks, written from their definitions; golden tests hold them to the official scorers."""
