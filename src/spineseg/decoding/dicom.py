"""The only door to pydicom: a radiograph's pixels as they are meant to be seen, and a few facts.

Computed and digital radiographs (CR, DX) and secondary captures are read: one frame, stretched to
8 bits by its window, else by its range; MONOCHROME1 is inverted, as bone is to be bright. No text
of the object (a patient's name least of all) goes into any message.
"""

from __future__ import annotations

import io
import logging
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from spineseg.decoding.grey import filled_range, to_8_bits
from spineseg.errors import DataError
from spineseg.files import shown
from spineseg.films import DICOM_SUFFIXES, Spacing

_PREAMBLE_BYTES = 128
_DEFLATED = b"1.2.840.10008.1.2.1.99"
"""A transfer syntax that pydicom inflates without a limit: a few MB could fill the memory."""


@dataclass(frozen=True)
class DicomFacts:
    """What a DICOM object says beside its pixels. Identifiers are kept in memory only."""

    patient_id: str | None
    study_uid: str | None
    spacing: Spacing | None
    pixel_aspect: float = 1.0  # A pixel's width over its height, as far as no spacing says it.


def is_dicom(content: bytes, path: Path) -> bool:
    """Return whether a file is DICOM: by its mark, or, without one, by its suffix."""
    marked = content[_PREAMBLE_BYTES : _PREAMBLE_BYTES + 4] == b"DICM"
    return marked or path.suffix.lower() in DICOM_SUFFIXES


def decode_dicom(
    content: bytes, path: Path, most_pixels: int
) -> tuple[Image.Image, str, DicomFacts]:
    """Return the film (mode L or RGB), what was done to it, and its facts.

    Raises DataError for what is no single radiograph, cannot be decoded, or is too large.
    """
    import pydicom  # Slow to import, and seldom needed.

    if _DEFLATED in content:
        raise DataError(
            f"{shown(path)}: is a deflated DICOM object, which is not read here; save it "
            "uncompressed, or as PNG"
        )
    with warnings.catch_warnings():  # Warnings and logs quote values of the object.
        warnings.simplefilter("ignore")
        logging.getLogger("pydicom").setLevel(logging.CRITICAL)
        logging.getLogger("pylibjpeg").setLevel(logging.CRITICAL)
        try:
            dataset = pydicom.dcmread(io.BytesIO(content), force=True)
            _refuse_other_objects(dataset, path, most_pixels)
        except DataError:
            raise
        except Exception as error:  # pydicom meets damage with errors of many kinds.
            raise DataError(
                f"{shown(path)}: is no DICOM object that can be read ({type(error).__name__}); "
                "replace or remove it"
            ) from None
        pixels = _pixels(dataset, path)
        try:
            image, done = _film(dataset, pixels)
        except Exception as error:
            raise DataError(
                f"{shown(path)}: its DICOM grey scale cannot be applied ({type(error).__name__}); "
                "export it again, or as PNG"
            ) from None
        return image, done, _facts(dataset)


def _refuse_other_objects(dataset: Any, path: Path, most_pixels: int) -> None:
    if "PixelData" not in dataset or "Rows" not in dataset or "Columns" not in dataset:
        kind = _known_name(dataset.get("SOPClassUID"))
        what = f"a DICOM object without an image ({kind})" if kind else "no DICOM image"
        raise DataError(f"{shown(path)}: is {what}; name a radiograph")
    frames = int(dataset.get("NumberOfFrames") or 1)
    if frames != 1:
        raise DataError(
            f"{shown(path)}: has {frames} frames; a radiograph has one, export that frame"
        )
    rows, columns = int(dataset.Rows), int(dataset.Columns)
    if rows * columns > most_pixels:
        raise DataError(too_large(path, columns, rows, most_pixels))


def _known_name(uid: Any) -> str | None:
    """Return the standard's name of an identifier; another, which damage may make, is not shown."""
    from pydicom.uid import UID_dictionary

    return UID_dictionary[str(uid)][0] if str(uid) in UID_dictionary else None


def too_large(path: Path, width: int, height: int, most_pixels: int) -> str:
    """Return the message for a film of more pixels than are read."""
    return (
        f"{shown(path)}: is {width}x{height} px, more than {most_pixels // 1_000_000} million "
        "pixels; make it smaller"
    )


def _pixels(dataset: Any, path: Path) -> np.ndarray:
    syntax = getattr(getattr(dataset, "file_meta", None), "TransferSyntaxUID", None)
    name = _known_name(syntax) or "unknown syntax"
    if syntax is None:
        dataset.ensure_file_meta()
        dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2"  # The default where none is told.
    try:
        return np.asarray(dataset.pixel_array)
    except Exception as error:
        raise DataError(
            f"{shown(path)}: its pixels ({name}) cannot be decoded here ({type(error).__name__}); "
            "it is damaged or needs another decoder: save it uncompressed, or as PNG"
        ) from None


def _film(dataset: Any, pixels: np.ndarray) -> tuple[Image.Image, str]:
    from pydicom.pixels import apply_color_lut, apply_modality_lut, apply_voi, apply_windowing

    kind = str(dataset.get("PhotometricInterpretation", "MONOCHROME2"))
    if kind == "PALETTE COLOR":
        pixels = apply_color_lut(pixels, dataset)
    if pixels.ndim == 3:
        if pixels.dtype == np.uint8:
            return Image.fromarray(np.ascontiguousarray(pixels[..., :3])), "DICOM in colour"
        top = float(np.iinfo(pixels.dtype).max) if kind == "PALETTE COLOR" else _top(dataset)
        return Image.fromarray(to_8_bits(pixels[..., :3], 0, top)), "DICOM in colour"
    padding = _padding(dataset, pixels)
    values = np.asarray(apply_modality_lut(pixels, dataset), dtype=np.float64)
    done, ends = "DICOM by its range", None
    table = _voi_table(dataset)
    if table is not None or dataset.get("WindowWidth") not in (None, ""):
        try:
            apply = apply_windowing if table is None else apply_voi
            windowed = np.asarray(apply(values, dataset, index=0), dtype=np.float64)
            ends = _window_ends(dataset, table)
        except (ValueError, TypeError, IndexError, AttributeError):
            windowed = np.zeros_like(values)  # As a window of no width, or with no centre.
        within = windowed[~padding]
        if within.size and within.min() < within.max():
            values, done = windowed, "DICOM by its window"
        else:  # It shows nothing of the film.
            done, ends = "DICOM by its range, its window being of no use", None
    if ends is None:
        low, high, beyond = filled_range(values[~padding] if not padding.all() else values)
        done += ", a few pixels beyond it clipped" if beyond else ""
        ends = (low, high)
    grey = to_8_bits(values, *ends)
    if kind == "MONOCHROME1":
        grey, done = 255 - grey, f"{done}, inverted"
    grey[padding] = 0
    return Image.fromarray(grey), done


def _top(dataset: Any) -> float:
    return float(2 ** int(dataset.get("BitsStored", 16)) - 1)


def _voi_table(dataset: Any) -> Any | None:
    """Return the first table of values of interest that is whole, None without one."""
    tables = dataset.get("VOILUTSequence") or []
    return next((table for table in tables[:1] if "LUTData" in table), None)


def _window_ends(dataset: Any, table: Any | None) -> tuple[float, float]:
    """Return the values that a window or its table gives to black and white.

    After a rescale with a negative slope, black is the greater one.
    """
    from pydicom.pixels import apply_windowing

    if table is not None:
        return 0.0, float(2 ** int(table.LUTDescriptor[2]) - 1)
    low, high = apply_windowing(np.array([-1e12, 1e12]), dataset, index=0)
    return float(low), float(high)


def _padding(dataset: Any, pixels: np.ndarray) -> np.ndarray:
    """Return where the film is padding, no picture: (height, width) bool."""
    value = dataset.get("PixelPaddingValue")
    if not isinstance(value, int):
        return np.zeros(pixels.shape, dtype=bool)
    other = dataset.get("PixelPaddingRangeLimit")
    low, high = sorted((value, other if isinstance(other, int) else value))
    return np.asarray((pixels >= low) & (pixels <= high))


def _facts(dataset: Any) -> DicomFacts:
    return DicomFacts(
        _text(dataset, "PatientID"),
        _text(dataset, "StudyInstanceUID"),
        _spacing(dataset),
        _pixel_aspect(dataset),
    )


def _pixel_aspect(dataset: Any) -> float:
    """Return a pixel's width over its height (PS3.3, C.7.6.3.1.7: told as height and width)."""
    told = _pair(dataset, "PixelAspectRatio")
    return told[1] / told[0] if told else 1.0


def _text(dataset: Any, keyword: str) -> str | None:
    """Return an element's text, None for none; a damaged one counts as none, and is not quoted."""
    try:
        return str(dataset.get(keyword) or "").strip() or None
    except Exception:  # pydicom reads values when they are asked for, and quotes them in errors.
        return None


def _spacing(dataset: Any) -> Spacing | None:
    """Return the pixels' spacing (DICOM PS3.3, 10.7.1.3): only a calibrated one is of the body."""
    own, detector = _pair(dataset, "PixelSpacing"), _pair(dataset, "ImagerPixelSpacing")
    if own is not None:
        if _text(dataset, "PixelSpacingCalibrationType") or detector not in (None, own):
            return Spacing(*own, "calibrated")
        return Spacing(*own, "at the detector" if detector == own else "of unknown plane")
    if detector is not None:
        return Spacing(*detector, "at the detector")
    scanned = _pair(dataset, "NominalScannedPixelSpacing")  # Of a film, digitised.
    return Spacing(*scanned, "of unknown plane") if scanned is not None else None


def _pair(dataset: Any, keyword: str) -> tuple[float, float] | None:
    try:
        row, column = (float(value) for value in dataset.get(keyword))
    except Exception:  # As in `_text`.
        return None
    return (row, column) if 0 < row < np.inf and 0 < column < np.inf else None
