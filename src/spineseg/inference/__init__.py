"""Weights at work on files: outlines and levels for films, and scores on labelled exports."""
