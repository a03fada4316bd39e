"""The door to Pillow's decoders: any picture as 8-bit grey or RGB, upright, and what was done."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from spineseg.decoding.dicom import too_large
from spineseg.decoding.grey import filled_range, to_8_bits
from spineseg.errors import DataError
from spineseg.files import shown

MOST_PIXELS = 100_000_000  # Beyond it a file is a bomb, not a film.
_FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "WEBP")  # JPEG gives MPO, too.
"""What is decoded, of all that Pillow could: for an EPS it starts another program."""
_ORIENTATION = 274  # EXIF's and TIFF's tag.
_ON_ITS_SIDE = range(5, 9)  # Of it.
_WHITE_IS_ZERO = 0  # Of TIFF's tag 262.
_SIGNED = 2  # Of TIFF's tag 339.
_AS_IT_IS = {"JPEG", "PNG"}  # Formats that every reader here decodes to the same pixels.
_DEEP = {"I", "F"}  # Modes of one channel with more than 8 bits; `I;16` and its kin begin so.
_WHAT = {"1": "1 bit", "P": "palette", "PA": "palette", "CMYK": "CMYK", "YCbCr": "YCbCr"}

Image.MAX_IMAGE_PIXELS = 10 * MOST_PIXELS  # So that our own limit speaks first, with the size.


def opened(content: bytes | BinaryIO, path: Path) -> Image.Image:
    """Return a picture whose head is read. Raises DataError for none, and for one too large."""
    file = io.BytesIO(content) if isinstance(content, bytes) else content
    try:
        image = Image.open(file, formats=_FORMATS)
    except Image.DecompressionBombError:
        raise DataError(
            f"{shown(path)}: has more than {MOST_PIXELS // 1_000_000} million pixels; "
            "make it smaller"
        ) from None
    except _FAULTS:
        what = "is empty" if not content else "is no image that can be read"
        raise DataError(f"{shown(path)}: {what}; replace or remove it") from None
    if image.width * image.height > MOST_PIXELS:
        raise DataError(too_large(path, *image.size, MOST_PIXELS))
    frames = getattr(image, "n_frames", 1)
    if frames > 1 and image.format != "MPO":  # A camera's JPEG with a preview beside it.
        raise DataError(f"{shown(path)}: has {frames} pages; save one film a file")
    return image


def loaded(image: Image.Image, path: Path) -> Image.Image:
    """Read all of a picture's data. Raises DataError where they are damaged or cut short."""
    try:
        image.load()
    except _FAULTS:
        raise DataError(
            f"{shown(path)}: is no image that can be read to its end; replace or remove it"
        ) from None
    return image


_FAULTS = (
    UnidentifiedImageError,
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    MemoryError,
    OverflowError,
    TypeError,  # Pillow's TIFF reader, at tags that lack their value.
    KeyError,
    ImportError,  # Once Ultralytics is loaded, Pillow looks for a decoder that is not there.
)


def is_turned(image: Image.Image) -> bool:
    """Return whether EXIF says that the picture is to be turned or flipped to be seen.

    A PNG may say it after its pixels: it must be loaded before.
    """
    try:
        return image.getexif().get(_ORIENTATION, 1) in range(2, 9)
    except _FAULTS:
        return False


def seen_size(image: Image.Image, path: Path) -> tuple[int, int]:
    """Return an opened picture's width and height in px once it is turned as its file says.

    Raises DataError as `loaded` does.
    """
    if image.format != "JPEG":  # A PNG may say it after its pixels, and a TIFF is turned by Pillow.
        loaded(image, path)
    is_on_its_side = is_turned(image) and image.getexif().get(_ORIENTATION) in _ON_ITS_SIDE
    return (image.height, image.width) if is_on_its_side else image.size


def is_plain(image: Image.Image, content: bytes) -> bool:
    """Return whether any reader, the trainer's too, has the same pixels from the file as it is."""
    if image.format not in _AS_IT_IS or image.mode not in ("L", "RGB") or is_turned(image):
        return False
    if image.format == "PNG":
        return (
            _png_bits(content) <= 8 and "transparency" not in image.info and _is_whole_png(content)
        )
    # The trainer writes a JPEG that does not end as it should anew, in its place.
    return image.format != "JPEG" or content.endswith(b"\xff\xd9")


def _is_whole_png(content: bytes) -> bool:
    """Return whether every chunk is as its checksum says, up to the end: other readers insist."""
    at = 8
    while at + 12 <= len(content):
        length, kind = struct.unpack_from(">I4s", content, at)
        end = at + 8 + length
        if end + 4 > len(content):
            return False
        if zlib.crc32(content[at + 4 : end]) != struct.unpack_from(">I", content, end)[0]:
            return False
        if kind == b"IEND":
            return True
        at = end + 4
    return False


def converted(image: Image.Image, content: bytes, path: Path) -> tuple[Image.Image, str]:
    """Return a loaded picture in 8-bit grey or RGB, upright, and what was done, in words.

    Raises DataError where its values cannot be read.
    """
    done = []
    if image.format == "JPEG" and not content.endswith(b"\xff\xd9"):
        done.append("bytes after its end left off")
    if image.format == "PNG" and not _is_whole_png(content):
        done.append("PNG with a damaged end or checksum, its pixels whole")
    deep = _deep_pixels(image, content, path)
    if deep is not None:
        try:
            low, high, beyond = filled_range(deep)
        except ValueError as error:
            raise DataError(f"{shown(path)}: {error}; replace or remove it") from None
        clipped = ", a few pixels beyond it clipped" if beyond else ""
        done.append(f"{deep.dtype.itemsize * 8}-bit values by their range{clipped}")
        grey = to_8_bits(deep, low, high)
        if _is_white_zero(image):
            grey, done = 255 - grey, [*done, "inverted"]
        film = Image.fromarray(grey)
    elif image.mode in ("L", "RGB"):
        film = image.copy()
    else:
        alpha = image.mode in ("LA", "La", "RGBA", "RGBa")
        done.append("transparency left off" if alpha else f"{_WHAT.get(image.mode, image.mode)}")
        film = image.convert("L" if image.mode in ("1", "LA", "La") else "RGB")
    if is_turned(image):
        film.getexif()[_ORIENTATION] = image.getexif()[_ORIENTATION]
        film, done = ImageOps.exif_transpose(film), [*done, "turned as EXIF says"]
    if not done:
        done.append(f"{image.format} to PNG")
    return film, ", ".join(done)


def _deep_pixels(image: Image.Image, content: bytes, path: Path) -> np.ndarray | None:
    """Return the values of a picture of more than 8 bits, (height, width[, 3]); None if it is not.

    Pillow gives colour of 16 bits its high bytes only, so that is read by OpenCV.
    """
    signed = _sample_format(image) == _SIGNED
    if image.mode == "L" and signed:
        return np.asarray(image).view(np.int8).astype(np.int16)
    if image.mode[0] in _DEEP and image.mode[:2] != "IM":
        stored = np.asarray(image)
        unsigned = stored.dtype == np.int32 and image.format == "TIFF" and not signed
        return stored.view(np.uint32) if unsigned else stored  # Pillow has no unsigned mode.
    bits = _png_bits(content) if image.format == "PNG" else _tiff_bits(image)
    if bits <= 8:
        return None
    values = cv2.imdecode(
        np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION
    )
    if values is None or values.dtype == np.uint8:
        raise DataError(
            f"{shown(path)}: its colour of {bits} bits cannot be read; save it with 8 bits"
        )
    if values.ndim == 2:
        return np.asarray(values)
    if values.shape[2] < 3:
        return np.asarray(values[..., 0])
    return np.ascontiguousarray(values[..., 2::-1])


def _png_bits(content: bytes) -> int:
    return content[24]  # Of a channel; the header's place is fixed.


def _tiff_bits(image: Image.Image) -> int:
    tags = getattr(image, "tag_v2", None)
    bits = tags.get(258, 8) if image.format == "TIFF" and tags is not None else 8
    return int(max(bits)) if isinstance(bits, tuple) else int(bits)


def _sample_format(image: Image.Image) -> int:
    """Return what a TIFF says of its values: 1 unsigned, 2 signed, 3 float."""
    tags = getattr(image, "tag_v2", None)
    found = tags.get(339, 1) if image.format == "TIFF" and tags is not None else 1
    return int(found[0]) if isinstance(found, tuple) else int(found)


def _is_white_zero(image: Image.Image) -> bool:
    """Return whether a deep TIFF counts from white; Pillow inverts shallow ones itself."""
    tags = getattr(image, "tag_v2", None)
    return image.format == "TIFF" and tags is not None and tags.get(262) == _WHITE_IS_ZERO
