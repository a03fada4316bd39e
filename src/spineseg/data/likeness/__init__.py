"""Finds films that show the same picture, however it was cropped, turned, inverted or re-encoded."""
