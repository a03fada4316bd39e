"""The column of a frontal film: where each vertebra lies, how large and how tilted it is.

Means and spreads of width, height, pitch, tilt and lateral shift per level are those of 546
labelled frontal radiographs (AASCE 2019 / BoostNet), as fractions of the T1-to-L5 distance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spineseg.levels import LUMBAR, THORACIC
from spineseg.phantom.places import Vertebra

LABELLED = THORACIC + LUMBAR
NECK = ("C3", "C4", "C5", "C6", "C7")


def _numbers(text: str) -> np.ndarray:
    return np.array(text.split(), float)


_WIDTH = _numbers(
    "0.0765 0.0713 0.0675 0.0664 0.0674 0.0692 0.0720 0.0743 0.0768 "
    "0.0800 0.0844 0.0889 0.0923 0.0954 0.0996 0.1053 0.1126"
)
_HEIGHT = _numbers(
    "0.0307 0.0338 0.0371 0.0398 0.0418 0.0431 0.0433 0.0443 0.0459 "
    "0.0482 0.0507 0.0527 0.0544 0.0550 0.0571 0.0579 0.0536"
)
_PITCH = _numbers(
    "0.0455 0.0493 0.0530 0.0554 0.0571 0.0579 0.0587 0.0604 0.0633 "
    "0.0678 0.0718 0.0757 0.0785 0.0816 0.0835 0.0804"
)
_TILT_SD_DEG = _numbers(
    "7.40 9.02 10.41 11.46 12.03 11.88 10.96 10.00 10.17 "
    "12.38 13.31 12.87 13.23 14.16 14.40 12.36 9.59"
)
_TILT_REACH = 2.6  # levels over which tilts are alike; gives the films' range of end plates
_NECK_WIDTH = np.array([0.047, 0.048, 0.050, 0.053, 0.058])
_NECK_HEIGHT = np.array([0.028, 0.028, 0.028, 0.028, 0.030])
_NECK_PITCH = 0.040


@dataclass(frozen=True)
class Column:
    """All vertebrae of one body from the neck down, and the sacrum's frame."""

    vertebrae: tuple[Vertebra, ...]
    span_mm: float
    sacrum: tuple[float, float, float]  # x, y of its upper end, tilt


def sample_column(
    rng: np.random.Generator, severity: float, curve_deg: float | None = None
) -> Column:
    """Return a column with T1 at the origin; `severity` scales its curves (0.8: as on films).

    With `curve_deg` they are bent or straightened so that the largest has about that angle.
    """
    span = float(rng.normal(395, 32))
    scale = np.exp(rng.normal(0, 0.06))
    width = _WIDTH * scale * np.exp(rng.normal(0, 0.03, 17))
    height = _HEIGHT * np.exp(rng.normal(0, 0.07) + rng.normal(0, 0.035, 17))
    pitch = _PITCH * np.exp(rng.normal(0, 0.025, 16))
    tilt = _tilts(rng, severity)
    if curve_deg is not None:
        tilt = tilt * np.radians(curve_deg) / np.ptp(tilt)
    between = (tilt[1:] + tilt[:-1]) / 2
    dx, dy = -np.sin(between) * pitch, np.cos(between) * pitch
    x, y = np.concatenate([[0], np.cumsum(dx)]), np.concatenate([[0], np.cumsum(dy)])
    size = 1 / np.hypot(x[-1], y[-1])
    drop = rng.normal(0, 0.02 + 0.03 * severity) - np.arctan2(x[-1], y[-1])
    x, y = x * np.cos(drop) + y * np.sin(drop), y * np.cos(drop) - x * np.sin(drop)
    tilt = tilt - drop + rng.normal(0, np.radians(0.8 + 1.0 * severity), 17)
    curve = np.gradient(tilt)
    twist = np.clip(-curve * 2.2 + rng.normal(0, 0.04, 17), -0.6, 0.6)
    lean = _leans(rng)
    body = [
        Vertebra(
            level,
            float(x[i] * size * span),
            float(y[i] * size * span),
            float(width[i] * span),
            float(min(height[i], _room(pitch, i)) * span),
            float(tilt[i]),
            float(lean[i]),
            float(twist[i]),
            float(width[i] * span * 0.78),
            float(np.clip(-curve[i] * 0.25, -0.12, 0.12)),
        )
        for i, level in enumerate(LABELLED)
    ]
    neck = _neck(rng, body[0], span)
    last = body[-1]
    angle = last.tilt * 0.5
    gap = last.height * 0.62 + 0.018 * span
    sacrum = (last.x - np.sin(angle) * gap, last.y + np.cos(angle) * gap, angle)
    return Column((*neck, *body), span, sacrum)


def _room(pitch: np.ndarray, i: int) -> float:
    """Return the greatest height that leaves a disc on both sides."""
    return 0.86 * float(min(pitch[max(i - 1, 0)], pitch[min(i, 15)]))


def _tilts(rng: np.random.Generator, severity: float) -> np.ndarray:
    """Return coronal tilts T1..L5, radians: a smooth random curve with the films' spreads."""
    apart = np.subtract.outer(np.arange(17), np.arange(17))
    alike = np.exp(-((apart / _TILT_REACH) ** 2) / 2) + 1e-6 * np.eye(17)
    curve = np.linalg.cholesky(alike) @ rng.standard_normal(17)
    strength = 1.5 * severity * np.exp(rng.normal(0, 0.36))
    return np.asarray(strength * np.radians(_TILT_SD_DEG) * curve)


def _leans(rng: np.random.Generator) -> np.ndarray:
    """Return sagittal leans T1..L5, radians: kyphosis above, lordosis below."""
    kyphosis, lordosis = rng.normal(0.30, 0.10), rng.normal(0.42, 0.12)
    t = np.arange(17)
    thoracic = kyphosis * np.cos(np.pi * np.clip(t, 0, 12) / 12)
    lumbar = lordosis * np.sin(np.pi / 2 * np.clip((t - 12) / 4, 0, 1)) * -1
    return thoracic * (t < 12) + (lumbar - kyphosis * np.clip(1 - (t - 12) / 3, 0, 1)) * (t >= 12)


def _neck(rng: np.random.Generator, first: Vertebra, span: float) -> list[Vertebra]:
    """Return C3..C7 above T1, straightening upwards; visible, never labelled."""
    x, y, tilt = first.x, first.y, first.tilt
    neck = []
    gap = (first.height / span / 2 + _NECK_HEIGHT[-1] / 2 + 0.010) * span
    upright = rng.normal(0, 0.06)
    for i in range(4, -1, -1):
        tilt = 0.72 * tilt + 0.28 * upright
        x, y = x + np.sin(tilt) * gap, y - np.cos(tilt) * gap
        neck.append(
            Vertebra(
                NECK[i],
                float(x),
                float(y),
                float(_NECK_WIDTH[i] * span),
                float(_NECK_HEIGHT[i] * span),
                float(tilt),
                0.25,
                first.twist * 0.5,
                float(_NECK_WIDTH[i] * span * 0.7),
            )
        )
        gap = _NECK_PITCH * span
    return neck[::-1]
