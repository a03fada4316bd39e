"""What files of weights are called."""

SAFE = ".safetensors"
"""Holds weights and nothing that runs."""
WEIGHT_SUFFIXES = (SAFE, ".pt")
"""What a registered version may hold: what is written now, and what was before."""
