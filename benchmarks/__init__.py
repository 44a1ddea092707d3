"""Benchmarks: every figure of one run, on one machine, beside each other."""
