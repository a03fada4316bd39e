"""How far the looks of other films, and of one film's copies, lie apart.

python benchmarks/looks.py [FOLDER] [--phantoms 150]

FOLDER is labelled or not, any pictures beneath it are taken. Printed are the smallest distances
between different films, in bits of 256, and the largest between a film and its copies: compressed,
halved, brightened, changed in contrast, equalised, bordered, cropped. `seal/looks.py` takes films
that differ in at most MOST_APART bits for one.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

from spineseg.decoding.decode import read_film
from spineseg.phantom.film import render_film
from spineseg.seal.looks import look_of
from spineseg.seal.overlap import MOST_APART

_COPIED = 60


def bits(film: Image.Image) -> np.ndarray:
    """Return a film's look as bits, (256,)."""
    packed = bytes.fromhex(look_of(np.asarray(film.convert("RGB"))))
    return np.unpackbits(np.frombuffer(packed, np.uint8))


def copies(film: Image.Image) -> Iterator[tuple[str, Image.Image]]:
    """Yield copies of a film by what was done to each."""
    width, height = film.size
    content = io.BytesIO()
    film.save(content, "JPEG", quality=30)
    yield "compressed", Image.open(content)
    yield "halved", film.resize((width // 2, height // 2))
    yield "brighter by 30 %", ImageEnhance.Brightness(film).enhance(1.3)
    yield "contrast of 60 %", ImageEnhance.Contrast(film).enhance(0.6)
    yield "equalised", ImageOps.equalize(film)
    yield "bordered", ImageOps.expand(film, 20, 0)
    for share in (0.02, 0.05):
        x, y = round(width * share), round(height * share)
        yield f"cropped by {share:.0%} a side", film.crop((x, y, width - x, height - y))


def told(name: str, films: list[Image.Image]) -> None:
    """Print how far films, and copies of them, lie apart."""
    looks = np.array([bits(film) for film in films])
    apart = (looks[:, None] != looks).sum(2)[np.triu_indices(len(films), 1)]
    print(
        f"{name}: {len(films)} films, others differ in {np.sort(apart)[:12].tolist()} bits or more"
    )
    print(f"  taken for one: {int((apart <= MOST_APART).sum())} of {len(apart)} pairs")
    found: dict[str, list[int]] = {}
    for film, look in list(zip(films, looks, strict=True))[:: max(1, len(films) // _COPIED)]:
        for kind, copy in copies(film):
            found.setdefault(kind, []).append(int((bits(copy) != look).sum()))
    for kind, of in found.items():
        known = sum(each <= MOST_APART for each in of)
        print(f"  {kind}: {known} of {len(of)} known again; at most {max(of)} bits")


def main() -> None:
    """Measure the films of a folder, and phantoms."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--phantoms", type=int, default=150)
    asked = parser.parse_args()
    if asked.folder:
        kinds = (".jpg", ".jpeg", ".png")
        paths = [path for path in sorted(asked.folder.rglob("*")) if path.suffix.lower() in kinds]
        told(asked.folder.name, [Image.fromarray(read_film(path)) for path in paths])
    for view in ("frontal", "lateral"):
        films = [render_film(view, 320, (5, n), 0.6).pixels for n in range(asked.phantoms)]
        told(f"SYNTHETIC, {view}", [Image.fromarray(film).convert("RGB") for film in films])


if __name__ == "__main__":
    main()
