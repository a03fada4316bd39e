"""Lays two films over each other and tells whether they agree in fine detail.

The alignment is affine and maximises the enhanced correlation coefficient (Evangelidis and Psarakis
2008, as in OpenCV). What is then compared are details of a few hundredths of a film, edges of
bodies and ribs, tile by tile; the median tile decides, so letters or a border on some tiles, or
another contrast in each, do not matter. Films of one patient in the same posture agree in the
large and not in this.
"""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np

from spineseg.data.likeness.descriptor import SIDE_PX, evened, thumbnail
from spineseg.data.likeness.poses import BACK, posed

DETAIL_PX = 2 * SIDE_PX
_TILES = 6
_FINE_PX = 2.0
_FLOOR = 0.05  # Of the mean tile's contrast, added to each: even tiles show only noise.
_LEAST_COMMON = 0.5  # Of a film, that both must show,
_LEAST_SHARE = 0.7  # and of a tile that counts.
_FAR_STEPS = 2  # From the map that the waves promise; more do not help.
_NEAR_STEPS = 5, 12  # Of thumbnails and films.
_HOPELESS_UNALIGNED = 0.48  # Agreement at half a thumbnail's size, where copies reach 0.6,
_HOPELESS = 0.35  # and once roughly aligned, where they reach 0.39: nothing finer mends it.

Map = np.ndarray
"""An affine map of pixels, (2, 3) float32."""


def thumbs_agree(
    first: np.ndarray, second: np.ndarray, start: Map, inverted: bool
) -> tuple[float, Map | None]:
    """Return how well two thumbnails in one pose agree once they are aligned, and the map.

    `start` is the map to begin with, as `search.Candidate` has it. -1..1; 1 for copies. The map is
    None where there is no agreement worth a closer look.
    """
    cv2.setNumThreads(1)
    one = first.astype(np.float32) * np.float32(-1 if inverted else 1)
    half = SIDE_PX // 2
    small, other = (
        cv2.resize(film, (half, half), interpolation=cv2.INTER_AREA)
        for film in (one, second.astype(np.float32))
    )
    begin = _in_pixels(start, half)
    agreement = _median_tile(_detail(small), _detail(other), begin)
    if agreement < _HOPELESS_UNALIGNED:
        return agreement, None
    wide = SIDE_PX / 16
    rough = _aligned(evened(small, wide), evened(other, wide), begin, _FAR_STEPS)
    if rough is None:
        return 0.0, None
    one, other = _detail(one), _detail(second)
    start = _in_places(rough, half)
    agreement = _median_tile(one, other, _in_pixels(start, SIDE_PX))
    if agreement < _HOPELESS:
        return agreement, None
    return _agreement(one, other, start, _NEAR_STEPS[0])


def films_agree(
    first: np.ndarray, second: np.ndarray, turn: int, inverted: bool, start: Map
) -> float:
    """Return how well two grey films agree, as `thumbs_agree` does, at twice the thumbnails' size.

    `start` is the map that was found for the thumbnails; the first is turned to the second.
    """
    cv2.setNumThreads(1)
    one = thumbnail(first, DETAIL_PX).astype(np.float32)
    one = _detail(one * np.float32(-1 if inverted else 1))
    other = _detail(posed(thumbnail(second, DETAIL_PX), int(BACK[turn])))
    return _agreement(one, other, start, _NEAR_STEPS[1])[0]


def _agreement(
    one: np.ndarray, other: np.ndarray, start: Map, steps: int
) -> tuple[float, Map | None]:
    """Return how well two films' details agree where they align best near `start`, and that map."""
    found = _aligned(one, other, _in_pixels(start, len(one)), steps)
    if found is None:
        return 0.0, None
    return _median_tile(one, other, found), _in_places(found, len(one))


def _aligned(one: np.ndarray, other: np.ndarray, start: Map, steps: int) -> Map | None:
    """Return the map that lays `one` over `other`, None where there is none."""
    border = len(one) // 16
    inner = np.zeros(one.shape, np.uint8)
    inner[border:-border, border:-border] = 255
    stop = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, steps, 1e-4)
    try:
        return cv2.findTransformECC(other, one, start.copy(), cv2.MOTION_AFFINE, stop, inner, 3)[1]
    except cv2.error:  # It did not converge.
        return None


def _in_pixels(start: Map, side: int) -> Map:
    """Return a map of places -1..1 as one of pixels."""
    middle = (side - 1) / 2
    scaled = np.array(start, np.float32)
    scaled[:, 2] = side / 2 * start[:, 2] + middle * (1 - start[:, :2].sum(axis=1))
    return scaled


def _in_places(found: Map, side: int) -> Map:
    """Return a map of pixels as one of places -1..1."""
    middle = (side - 1) / 2
    scaled = found.copy()
    scaled[:, 2] = (found[:, 2] - middle * (1 - found[:, :2].sum(axis=1))) * 2 / side
    return scaled


def _detail(film: np.ndarray) -> np.ndarray:
    """Return what is finer than some pixels, of even contrast."""
    film = film.astype(np.float32)
    edges = film - cv2.GaussianBlur(film, (0, 0), _FINE_PX)
    contrast = np.sqrt(cv2.GaussianBlur(edges * edges, (0, 0), 2 * _FINE_PX))
    return edges / (contrast + 0.1 * float(edges.std()) + 1e-6)


def _median_tile(one: np.ndarray, other: np.ndarray, found: Map) -> float:
    """Return the median over tiles of the correlation of `one`, mapped, with `other`."""
    side = len(one)
    border = side // 16
    inner = np.zeros(one.shape, np.float32)
    inner[border:-border, border:-border] = 1
    back = cv2.WARP_INVERSE_MAP
    laid = cv2.warpAffine(one, found, (side, side), flags=cv2.INTER_LINEAR | back)
    common = cv2.warpAffine(inner, found, (side, side), flags=cv2.INTER_NEAREST | back)
    if common.mean() < _LEAST_COMMON:
        return 0.0

    values = np.stack([common, laid, other, laid * laid, other * other, laid * other])
    values[1:] *= common
    rows = _tile_rows(side)
    share, *sums = rows @ values @ rows.T
    laid_mean, other_mean, laid_square, other_square, product = sums / np.maximum(share, 1e-6)
    laid_contrast, other_contrast = laid_square - laid_mean**2, other_square - other_mean**2
    both = product - laid_mean * other_mean
    of = (laid_contrast + _FLOOR * laid_contrast.mean()) * (
        other_contrast + _FLOOR * other_contrast.mean()
    )
    agreement = (1 + _FLOOR) * both / np.sqrt(np.maximum(of, 1e-12))
    told = agreement[share > _LEAST_SHARE]
    return float(np.clip(np.median(told), -1, 1)) if told.size else 0.0


@cache
def _tile_rows(side: int) -> np.ndarray:
    """Return what averages `side` rows into those of the tiles, (tiles, side) float32."""
    each = np.eye(side, dtype=np.float32)
    return cv2.resize(each, (side, _TILES), interpolation=cv2.INTER_AREA)
