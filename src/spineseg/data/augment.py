"""The original's augmentation: copies of training films flipped, turned or rotated, with outlines.

It reproduces what was done to the original's data before their download: flips, 90° turns, and
rotations by up to 15°. It hides the cues by which a column is numbered; see docs/data.md.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import shapely
from PIL import Image

from spineseg.data.labelled import read_merged_film
from spineseg.data.manifest import ManifestEntry
from spineseg.data.merged_labels import label_path, label_text
from spineseg.decoding.decode import decode, film_content
from spineseg.files import write_read_only
from spineseg.films import Outline
from spineseg.workers import on_all_cores

_MOST_DEGREES = 15.0
_LEAST_LEFT = 0.1  # Of a body's area: less of it on the film, and it is no longer labelled.
_JPEG_QUALITY = 95
_FEW = 100  # Films that are copied before other processes would have started.
_T = Image.Transpose
_TURNS = {90: _T.ROTATE_270, 180: _T.ROTATE_180, 270: _T.ROTATE_90}  # Clockwise; PIL turns back.


@dataclass(frozen=True)
class Pose:
    """How a copy is made: flips first, then a turn, then a rotation about the middle."""

    flip_x: bool
    flip_y: bool
    turn_degrees: int  # Clockwise: 0, 90, 180, 270.
    rotate_degrees: float  # Clockwise.


def pose_of(film_sha256: str, copy: int, seed: int) -> Pose:
    """Return the pose of copy number `copy`: it depends on the film's bytes and the seed alone."""
    digest = hashlib.sha256(f"{seed}:{copy}:{film_sha256}".encode()).digest()
    rng = np.random.default_rng(np.frombuffer(digest, dtype=np.uint32))
    return Pose(
        flip_x=bool(rng.random() < 0.5),
        flip_y=bool(rng.random() < 0.5),
        turn_degrees=int(rng.choice([0, 90, 180, 270])),
        rotate_degrees=float(rng.uniform(-_MOST_DEGREES, _MOST_DEGREES)),
    )


def posed_film(film: Image.Image, pose: Pose) -> Image.Image:
    """Return the film in that pose; a rotation keeps the frame and fills its corners with black."""
    if pose.flip_x:
        film = film.transpose(_T.FLIP_LEFT_RIGHT)
    if pose.flip_y:
        film = film.transpose(_T.FLIP_TOP_BOTTOM)
    if pose.turn_degrees:
        film = film.transpose(_TURNS[pose.turn_degrees])
    if not pose.rotate_degrees:
        return film
    if film.mode not in {"L", "RGB"}:
        film = film.convert("RGB")
    return film.rotate(-pose.rotate_degrees, resample=Image.Resampling.BILINEAR)


def posed_points(points: np.ndarray, pose: Pose, size: tuple[int, int]) -> np.ndarray:
    """Return points, (points, 2) fractions of `size` (width, height), where the pose takes them.

    The same map as the picture's, to the pixel's fraction; they may lie outside the frame.
    """
    x, y = points.T
    x = 1 - x if pose.flip_x else x
    y = 1 - y if pose.flip_y else y
    width, height = size
    for _ in range(pose.turn_degrees // 90):
        x, y = 1 - y, x
        width, height = height, width
    angle = np.deg2rad(pose.rotate_degrees)
    right, down = (x - 0.5) * width, (y - 0.5) * height
    turned_right = right * np.cos(angle) - down * np.sin(angle)
    turned_down = right * np.sin(angle) + down * np.cos(angle)
    return np.stack([turned_right / width + 0.5, turned_down / height + 0.5], axis=1)


def posed_outlines(outlines: Sequence[Outline], pose: Pose, size: tuple[int, int]) -> list[Outline]:
    """Return the outlines on the posed film, cut at its frame; those nearly gone are left out."""
    frame = shapely.box(0, 0, 1, 1)
    posed = []
    for outline in outlines:
        whole = shapely.Polygon(posed_points(outline.points, pose, size))
        left = whole.intersection(frame) if not frame.contains(whole) else whole
        pieces = [p for p in shapely.get_parts(left) if isinstance(p, shapely.Polygon)]
        if not pieces:
            continue
        main = max(pieces, key=lambda piece: piece.area)
        if main.area >= _LEAST_LEFT * whole.area:
            points = np.clip(np.array(main.exterior.coords)[:-1], 0, 1)
            posed.append(Outline(outline.level, points))
    return posed


def encoded(film: Image.Image) -> bytes:
    """Return a film as JPEG."""
    out = io.BytesIO()
    film.save(out, format="JPEG", quality=_JPEG_QUALITY)
    return out.getvalue()


def write_copies(
    dataset: Path, entries: Sequence[ManifestEntry], copies: int, seed: int
) -> list[ManifestEntry]:
    """Write the copies of the training films of `dataset`, and return their entries."""
    films = [entry for entry in entries if entry.part == "train"]
    write = partial(_write_copies_of, dataset / "train" / "images", copies, seed)
    return [copy for made in on_all_cores(write, films, few=_FEW) for copy in made]


def _write_copies_of(
    folder: Path, copies: int, seed: int, entry: ManifestEntry
) -> list[ManifestEntry]:
    path = folder / entry.name
    film, outlines = decode(film_content(path), path).image, read_merged_film(path).outlines
    made = []
    for copy in range(1, copies + 1):
        pose = pose_of(entry.film_sha256, copy, seed)
        posed = posed_outlines(outlines, pose, film.size)
        content, text = encoded(posed_film(film, pose)), label_text(posed).encode()
        target = path.with_name(f"{path.stem}-augmented{copy}.jpg")
        write_read_only(target, content)
        write_read_only(label_path(target), text)
        made.append(
            entry.model_copy(
                update={
                    "name": target.name,
                    "film_sha256": hashlib.sha256(content).hexdigest(),
                    "content_sha256": hashlib.sha256(content).hexdigest(),
                    "conversion": None,
                    "spacing": None,  # A rotation leaves none that holds along rows.
                    "aspect": None,
                    "labels_sha256": hashlib.sha256(text).hexdigest(),
                    "film_bytes": len(content),
                    "labels_bytes": len(text),
                    "levels": tuple(outline.level for outline in posed),
                    "augmented": True,
                }
            )
        )
    return made
