"""One film's outlines as a DICOM SEG and its figures as a DICOM SR, both referring to the film."""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from typing import Any

import cv2
import highdicom as hd
import numpy as np
from pydicom.uid import generate_uid

from spineseg.code_version import code_version
from spineseg.dicom_out.by import By
from spineseg.dicom_out.codes import body_codes, level_code, measure_code, site_codes, unit_code
from spineseg.films import Outline
from spineseg.levels import place
from spineseg.measurement.listing import Listed

_MAKER, _MODEL = "spineseg", "spineseg"
_CAUTION = "Not a medical device: for research, not for anybody's care"
_LONGEST = 64  # Letters of a name in DICOM.
_SEG_SERIES, _SR_SERIES = 9001, 9002


def as_seg(header: Any, outlines: Sequence[Outline], by: By) -> bytes:
    """Return the bytes of a DICOM SEG with a binary segment a vertebra, head to pelvis.

    `header` is that of the radiograph; it needs no frame of reference. Segments may overlap. A
    pixel that an outline touches is within.
    """
    bodies = sorted(outlines, key=lambda outline: place(outline.level))
    rows, columns = int(header.Rows), int(header.Columns)
    pixels = np.zeros((1, rows, columns, len(bodies)), np.uint8)
    for number, outline in enumerate(bodies):
        # An outline goes through the middles of its outermost pixels.
        points = np.round((outline.points * [columns, rows] - 0.5) * 16).astype(np.int32)
        mask = np.zeros((rows, columns), np.uint8)
        cv2.fillPoly(mask, [points[:, None]], 1, cv2.LINE_8, 4)
        pixels[0, :, :, number] = mask
    coded = body_codes()
    name = _plain(by.label)
    software = hd.AlgorithmIdentificationSequence(name, coded["family"], code_version())
    segments = [
        hd.seg.SegmentDescription(
            number,
            outline.level,
            coded["category"],
            level_code(outline.level),
            "AUTOMATIC" if by.sha256 else "MANUAL",
            software if by.sha256 else None,
            tracking_uid=_uid(header, by, f"track {outline.level}"),
            tracking_id=outline.level,
            anatomic_regions=[coded["column"]],
        )
        for number, outline in enumerate(bodies, 1)
    ]
    with warnings.catch_warnings():  # They quote values of the film.
        warnings.simplefilter("ignore")
        made = hd.seg.Segmentation(
            [header],
            pixels,
            hd.seg.SegmentationTypeValues.BINARY,
            segments,
            series_instance_uid=_uid(header, by, "seg series"),
            series_number=_SEG_SERIES,
            sop_instance_uid=_uid(header, by, "seg"),
            instance_number=1,
            manufacturer=_MAKER,
            manufacturer_model_name=_MODEL,
            software_versions=code_version(),
            device_serial_number=(by.sha256 or "labels")[:16],
            content_description=_CAUTION,
            content_label="VERTEBRAE",
            series_description="Outlines of vertebrae: research, no medical device",
        )
    made.PatientOrientation = header.get("PatientOrientation")  # Known or not, it is to be there.
    return _bytes(made)


def as_sr(header: Any, figures: Sequence[Listed], by: By, seg: bytes | None = None) -> bytes:
    """Return the bytes of a DICOM SR (TID 1500) with one measurement group a figure.

    Each has its sites, unit and, where the outline's error is known, its interval as upper and
    lower uncertainty. With `seg`, that object is among what the report rests on.
    """
    coded = body_codes()
    observer = hd.sr.ObserverContext(
        coded["device"],
        hd.sr.DeviceObserverIdentifyingAttributes(
            uid=_uid(header, by, "device"), name=_plain(by.label), manufacturer_name=_MAKER
        ),
    )
    groups = [_group(header, one, by) for one in figures]
    report = hd.sr.MeasurementReport(
        hd.sr.ObservationContext(observer_device_context=observer),
        coded["procedure"],
        groups,
        title=coded["report"],
    )
    evidence = [header] + ([_read(seg)] if seg is not None else [])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = hd.sr.ComprehensiveSR(
            evidence=evidence,
            content=report[0],
            series_instance_uid=_uid(header, by, "sr series"),
            series_number=_SR_SERIES,
            sop_instance_uid=_uid(header, by, "sr"),
            instance_number=1,
            manufacturer=_MAKER,
            is_complete=True,
            series_description="Measures of outlines: research, no medical device",
        )
    return _bytes(made)


def _group(header: Any, one: Listed, by: By) -> Any:
    figure = one.figure
    properties = None
    if figure.low is not None and figure.high is not None:
        properties = hd.sr.MeasurementProperties(
            upper_measurement_uncertainty=round(figure.high - figure.value, 4),
            lower_measurement_uncertainty=round(figure.value - figure.low, 4),
        )
        for bound in properties:  # highdicom gives them no unit: they have the figure's.
            (measured,) = bound.MeasuredValueSequence
            measured.MeasurementUnitsCodeSequence = [hd.sr.CodedConcept.from_code(unit_code(one))]
    sites = [hd.sr.FindingSite(site) for site in site_codes(one)]
    measurement = hd.sr.Measurement(
        measure_code(one), figure.value, unit_code(one), properties=properties
    )
    name = f"{one.measure} {one.of}" + (f", {one.note}" if one.note else "")
    return hd.sr.MeasurementsAndQualitativeEvaluations(
        hd.sr.TrackingIdentifier(_uid(header, by, name), name),
        finding_sites=sites,
        measurements=[measurement],
        source_images=[hd.sr.SourceImageForMeasurementGroup.from_source_image(header)],
    )


def _plain(name: str) -> str:
    """Return a name in plain letters and of a length that a DICOM object takes."""
    return name.encode("ascii", "replace").decode()[:_LONGEST]


def _uid(header: Any, by: By, what: str) -> str:
    """Return an identifier that is the same for the same film, weights and software."""
    return str(
        generate_uid(
            entropy_srcs=[str(header.SOPInstanceUID), by.sha256 or by.label, code_version(), what]
        )
    )


def _bytes(made: Any) -> bytes:
    out = io.BytesIO()
    made.save_as(out)
    return out.getvalue()


def _read(content: bytes) -> Any:
    import pydicom

    return pydicom.dcmread(io.BytesIO(content))
