"""Synthetic X-rays: a 3-D model of a spine and what lies about it, projected as X-rays are."""

from .export import write_datasets
from .film import Film, render_film

__all__ = ["Film", "render_film", "write_datasets"]
