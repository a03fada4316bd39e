"""Which films the phantom draws: the films of a seed differ from those of another version."""

VERSION = 2
"""Raised with every change of a film's bytes, so that no older film is taken for a new one."""
