"""Levels for whole columns: bodies gathered, put in order, and numbered as one run of levels."""
