"""Synthetic X-rays: a 3-D model of a spine and what lies about it, projected as X-rays are."""

from spineseg.phantom.export import write_datasets
from spineseg.phantom.film import Film, render_film

VERSION = 2
"""Raised with every change of a film's bytes, so that no older film is taken for a new one."""

__all__ = ["VERSION", "Film", "render_film", "write_datasets"]
