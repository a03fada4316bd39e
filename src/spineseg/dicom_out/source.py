"""The radiograph that a SEG or an SR refers to: its header, whole enough to be referred to."""

from __future__ import annotations

import io
import logging
import warnings
from typing import Any

from spineseg.errors import DataError

_NEEDED = (
    *("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID"),
    *("Rows", "Columns"),
)
_MAY_BE_EMPTY = (
    *("PatientID", "PatientName", "PatientBirthDate", "PatientSex", "StudyID", "StudyDate"),
    *("StudyTime", "AccessionNumber", "ReferringPhysicianName"),
)


def source_header(content: bytes) -> Any:
    """Return the header of a DICOM film, a pydicom Dataset without its pixels.

    What may be empty in a SEG or SR (PS3.3, type 2) is empty where the film lacks it. Raises
    DataError for what is no DICOM file, and for one that nothing can refer to.
    """
    import pydicom

    with warnings.catch_warnings():  # Warnings and logs quote values of the object.
        warnings.simplefilter("ignore")
        logging.getLogger("pydicom").setLevel(logging.CRITICAL)
        try:
            header = pydicom.dcmread(io.BytesIO(content), stop_before_pixels=True, force=True)
            lacking = [name for name in _NEEDED if not header.get(name)]
            for name in _MAY_BE_EMPTY:
                if name not in header:
                    setattr(header, name, None)
        except Exception as error:  # pydicom meets damage with errors of many kinds.
            raise DataError(
                f"cannot be referred to by a DICOM SEG ({type(error).__name__}); name a DICOM film"
            ) from None
    if lacking:
        raise DataError(
            f"cannot be referred to by a DICOM SEG: it lacks {', '.join(lacking)}; name the DICOM "
            "file as the archive has it"
        )
    return header
