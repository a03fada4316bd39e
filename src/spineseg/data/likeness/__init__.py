"""Finds films that show the same picture, however it was cropped, turned or re-encoded."""
