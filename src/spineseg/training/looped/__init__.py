"""Trainings of networks that bring no trainer of their own, by that of transformers."""
