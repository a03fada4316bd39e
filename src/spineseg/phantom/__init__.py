"""Synthetic X-rays: a 3-D model of a spine and what lies about it, projected as X-rays are."""
