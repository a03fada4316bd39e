"""Segment and number vertebrae on spine X-rays: data, training, evaluation, tracking, report."""

__version__ = "0.1.0"
