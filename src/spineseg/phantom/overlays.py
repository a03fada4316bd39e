"""What lies upon a film and is no anatomy: side markers, text, buckles, rulers, margins, slants."""

from __future__ import annotations

import cv2
import numpy as np

from spineseg.phantom.shapes import Map

_FONT = cv2.FONT_HERSHEY_SIMPLEX


def add_markers(grey: Map, rng: np.random.Generator, view: str, difficulty: float) -> Map:
    """Return the film with a side marker and, the more so the harder it is, other objects."""
    height, width = grey.shape
    over = np.zeros((height, width), np.uint8)
    unit = width / (320 if view == "frontal" else 640)
    if rng.random() < 0.75:
        _side_marker(over, rng, view, unit)
    if rng.random() < 0.25:
        text = "".join(rng.choice(list("0123456789ABKRXZ"), 9))
        _text(over, text, (width * rng.uniform(0.1, 0.5), height * 0.985), 0.45 * unit, 150)
    if view == "frontal" and rng.random() < 0.10 + 0.15 * difficulty:
        _buckles(over, rng)
    if view == "lateral" and rng.random() < 0.05 + 0.15 * difficulty:
        for _ in range(int(rng.integers(1, 4))):  # Clips and ear-rings.
            centre = (int(width * rng.uniform(0.2, 0.8)), int(height * rng.uniform(0.05, 0.35)))
            cv2.ellipse(
                over, centre, (int(4 * unit), int(7 * unit)), 30, 0, 300, 255, 2, cv2.LINE_AA
            )
    if rng.random() < 0.06:
        _ruler(over, rng)
    return np.maximum(grey, over.astype(np.float32) / 255 * rng.uniform(0.8, 1.0))


def _side_marker(over: np.ndarray, rng: np.random.Generator, view: str, unit: float) -> None:
    height, width = over.shape
    letter = "R" if rng.random() < 0.8 else "L"
    if view == "frontal":
        x, y = width * rng.uniform(0.05, 0.15), height * rng.uniform(0.02, 0.2)
    else:
        x, y = width * rng.uniform(0.90, 0.95), height * rng.uniform(0.03, 0.07)
    _text(over, letter, (x, y), (0.5 if view == "frontal" else 1.0) * unit, 235)
    if view == "frontal":
        centre = (int(x + 5.5 * unit), int(y - 5.5 * unit))
        cv2.circle(over, centre, int(12 * unit), 235, max(1, int(1.2 * unit)), cv2.LINE_AA)


def _text(over: np.ndarray, text: str, at: tuple[float, float], scale: float, grey: int) -> None:
    cv2.putText(
        over,
        text,
        (int(at[0]), int(at[1])),
        _FONT,
        scale,
        grey,
        max(1, round(1.5 * scale)),
        cv2.LINE_AA,
    )


def _buckles(over: np.ndarray, rng: np.random.Generator) -> None:
    height, width = over.shape
    for _ in range(int(rng.integers(1, 5))):
        centre = (int(width * rng.uniform(0.1, 0.9)), int(height * rng.uniform(0.35, 0.8)))
        axes = (max(2, int(width * 0.016)), max(3, int(width * 0.034)))
        cv2.ellipse(
            over, centre, axes, rng.uniform(-20, 20), 0, 360, 255, max(1, axes[0] // 3), cv2.LINE_AA
        )


def _ruler(over: np.ndarray, rng: np.random.Generator) -> None:
    height, width = over.shape
    x = int(width * rng.choice([0.05, 0.95]))
    for i, y in enumerate(np.linspace(0.05, 0.95, 46) * height):
        cv2.line(over, (x, int(y)), (x + (8 if i % 5 == 0 else 4), int(y)), 220, 1, cv2.LINE_AA)


def add_margins(rng: np.random.Generator, view: str, shape: tuple[int, int]) -> np.ndarray:
    """Return the homography, (3, 3), that slants the film and leaves black margins about it."""
    height, width = shape
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    if view == "frontal" and rng.random() < 0.6:
        shift = rng.uniform([0, 0], [0.07 * width, 0.012 * height], (4, 2))
    else:
        shift = rng.uniform([0, 0], [0.012 * width, 0.010 * height], (4, 2))
    inward = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]])
    return np.asarray(
        cv2.getPerspectiveTransform(corners, (corners + shift * inward).astype(np.float32))
    )
