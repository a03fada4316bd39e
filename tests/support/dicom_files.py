"""DICOM objects made for the tests: a radiograph of given values, as a device would store it."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    DigitalXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
    generate_uid,
)


def radiograph(values: np.ndarray, bits: int = 12, **elements: Any) -> Dataset:
    """Return a digital radiograph of `values`, (height, width) or (height, width, 3) uint8."""
    film = Dataset()
    film.file_meta = FileMetaDataset()
    film.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    film.SOPClassUID = film.file_meta.MediaStorageSOPClassUID = (
        DigitalXRayImageStorageForPresentation
    )
    film.SOPInstanceUID = film.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    film.PatientName, film.PatientID = "Secret^Person", "ID-4711"
    film.StudyInstanceUID = "1.2.826.0.1.3680043.8.498.1"
    film.Modality = "DX"
    film.Rows, film.Columns = values.shape[:2]
    film.SamplesPerPixel = 3 if values.ndim == 3 else 1
    film.PhotometricInterpretation = "RGB" if values.ndim == 3 else "MONOCHROME2"
    if values.ndim == 3:
        film.PlanarConfiguration, bits = 0, 8
    film.BitsAllocated = 8 * values.dtype.itemsize
    film.BitsStored, film.HighBit, film.PixelRepresentation = bits, bits - 1, 0
    if values.dtype.kind == "i":
        film.PixelRepresentation = 1
    film.PixelData = values.tobytes()
    for keyword, value in elements.items():
        setattr(film, keyword, value)
    return film


def stored(film: Dataset, preamble: bool = True) -> bytes:
    """Return a DICOM object as a file's bytes."""
    out = io.BytesIO()
    film.save_as(out, enforce_file_format=preamble)
    return out.getvalue()
