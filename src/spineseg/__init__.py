"""Segment and number vertebrae on spine X-rays: data, training, evaluation, tracking, report."""

__version__ = "0.1.0"

import os as _os

# None of ours is a plugin of pydantic's, and it looks through every installed package for one.
_os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
