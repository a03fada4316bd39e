"""Compare the audit's decisions on deep, inverted and turned films with those on their originals.

python benchmarks/deep_films.py [DIR] [--films 60]        # about a minute on 2 CPU cores

Takes films of DIR (a dataset in a layout that `spineseg data` reads), or synthetic ones, writes
each again with 16 bits, with 12 bits and an offset, inverted, turned under an EXIF tag, and as
DICOM, and lets the audit decide pair by pair which show one picture: the decisions on the copies
must be those on the originals, and each copy must be its original's.
"""

from __future__ import annotations

import argparse
import io
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian

from spineseg.data.layouts import read_folder
from spineseg.data.likeness.descriptor import film_hash
from spineseg.data.likeness.pairs import same_pictures
from spineseg.decoding.decode import as_png, decode, film_content
from spineseg.phantom.export import write_films


def picture(grey: np.ndarray, **options: object) -> bytes:
    """Return grey values as PNG."""
    out = io.BytesIO()
    Image.fromarray(grey).save(out, format="PNG", **options)
    return out.getvalue()


def turned(grey: np.ndarray) -> bytes:
    """Return a film stored a quarter turned, under the EXIF tag that turns it back."""
    tags = Image.Exif()
    tags[274] = 6
    return picture(np.ascontiguousarray(np.rot90(grey, 1)), exif=tags)


def dicom(grey: np.ndarray) -> bytes:
    """Return a film as a 12-bit MONOCHROME1 radiograph with a window."""
    values = (4095 - grey.astype(np.uint16) * 16).astype(np.uint16)
    film = Dataset()
    film.file_meta = FileMetaDataset()
    film.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    film.SOPClassUID = film.file_meta.MediaStorageSOPClassUID = (
        DigitalXRayImageStorageForPresentation
    )
    film.SOPInstanceUID = film.file_meta.MediaStorageSOPInstanceUID = "1.2.826.0.1"
    film.Rows, film.Columns = grey.shape
    film.SamplesPerPixel, film.PhotometricInterpretation = 1, "MONOCHROME1"
    film.BitsAllocated, film.BitsStored, film.HighBit, film.PixelRepresentation = 16, 12, 11, 0
    film.WindowCenter, film.WindowWidth = 2048, 4096
    film.PixelData = values.tobytes()
    out = io.BytesIO()
    film.save_as(out, enforce_file_format=True)
    return out.getvalue()


COPIES: dict[str, Callable[[np.ndarray], bytes]] = {
    "16 bits": lambda grey: picture(grey.astype(np.uint16) * 257),
    "12 bits, offset 300": lambda grey: picture(grey.astype(np.uint16) * 16 + 300),
    "inverted": lambda grey: picture(255 - grey),
    "turned by EXIF": turned,
    "DICOM, MONOCHROME1": dicom,
}


def taken(content: bytes, target: Path) -> bytes:
    """Write a film as the dataset would hold it; return its descriptor's bytes."""
    film = decode(content, Path("film.dcm" if content[128:132] == b"DICM" else "film.png"))
    target.write_bytes(as_png(film.image))
    return film_hash(film.image.convert("L")).tobytes()


def main() -> None:
    """Print, of each kind of copy, how many pairs are decided as the originals' were."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", help="Synthetic films where it is left out")
    parser.add_argument("--films", type=int, default=60)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        if options.folder is None:
            half = options.films // 2
            folders = write_films(
                home / "phantom", seed=5, frontal_films=half, lateral_films=options.films - half,
                size_px=320, difficulty=0.5,
            )  # fmt: skip
        else:
            folders = (options.folder,)
        films = [film.path for folder in folders for film in read_folder(folder).films]
        films = chosen(films, options.films)
        greys = [np.asarray(decode(film_content(p), p).image.convert("L")) for p in films]
        files = [home / f"{number:03d}.png" for number in range(len(films))]
        hashes = [taken(picture(grey), file) for grey, file in zip(greys, files, strict=True)]
        wanted = decisions(hashes, files)
        print(
            f"{len(films)} originals: {len(wanted)} pairs of {len(films) * (len(films) - 1) // 2}"
        )
        for kind, copy in COPIES.items():
            others = [home / f"{kind[:2]}-{number:03d}.png" for number in range(len(films))]
            copies = [taken(copy(grey), file) for grey, file in zip(greys, others, strict=True)]
            found = decisions(copies, others)
            both = decisions([*hashes, *copies], [*files, *others])
            own = sum((number, number + len(films)) in both for number in range(len(films)))
            print(
                f"{kind:22}{len(found ^ wanted)} pairs decided otherwise; {own} of {len(films)} "
                "copies are their original's"
            )


def chosen(films: list[Path], count: int) -> list[Path]:
    """Return some films, up to half of them from pairs that do show one picture."""
    hashes = [
        film_hash(decode(film_content(p), p, least_px=128).image.convert("L")).tobytes()
        for p in films
    ]
    paired = sorted({i for pair in decisions(hashes, films) for i in pair})[: count // 2]
    others = [i for i in range(len(films)) if i not in paired]
    rest = count - len(paired)
    return [films[i] for i in paired + others[:: max(1, len(others) // rest)][:rest]]


def decisions(hashes: list[bytes], files: list[Path]) -> set[tuple[int, int]]:
    """Return the pairs that show one picture."""
    return {(pair.first, pair.second) for pair in same_pictures(hashes, files)}


if __name__ == "__main__":
    main()
