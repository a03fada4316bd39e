"""DICOM SEG and SR: valid by another's judgement, read back as they were, referring to the film."""

from __future__ import annotations

import io
import shutil
import subprocess
from pathlib import Path

import highdicom as hd
import numpy as np
import pydicom
import pytest
from columns import box, column, outlined
from dicom_files import radiograph, stored
from pydicom.sr.codedict import codes

from spineseg.dicom_out.by import By
from spineseg.dicom_out.codes import level_code, site_codes
from spineseg.dicom_out.source import source_header
from spineseg.dicom_out.written import as_seg, as_sr
from spineseg.errors import DataError
from spineseg.films import Outline
from spineseg.levels import ANATOMICAL_ORDER, LUMBAR, THORACIC
from spineseg.measurement.bodies import Body
from spineseg.measurement.figures import Figure
from spineseg.measurement.film import Given, measure
from spineseg.measurement.listing import Listed, listed

SIZE = (640, 600)
SERIES = "1.2.826.0.1.3680043.8.498.2"
BY = By("run phantom/search-001", "ab" * 32)
valid_by_dciodvfy = pytest.mark.skipif(
    shutil.which("dciodvfy") is None, reason="apt-get install dicom3tools"
)


def film(**elements: object) -> bytes:
    values = np.arange(640 * 600, dtype=np.uint16).reshape(SIZE) % 4096
    return stored(radiograph(values, **({"SeriesInstanceUID": SERIES} | elements)))


def frontal() -> list[Outline]:
    return outlined(column(THORACIC + LUMBAR, list(np.linspace(15, -15, 17))), SIZE)


def neck() -> list[Outline]:
    bodies = column(("C2", "C3", "C4", "C5", "C6", "C7"), [10.0, 6.0, 2.0, -2.0, -6.0, -10.0])
    x, y = bodies["C2"].centre + np.array([-28.0, -22.0])
    return [*outlined({"C1": Body("C1", box(x, y, 0, 8, 12))}, SIZE), *outlined(bodies, SIZE)]


def figures(outlines: list[Outline]) -> list[Listed]:
    return listed(measure(outlines, Given(SIZE, 600 / 640, outline_error=0.002)))


def called(one: Listed) -> str:
    return f"{one.measure} {one.of}" + (f", {one.note}" if one.note else "")


def objects(outlines: list[Outline], content: bytes | None = None) -> tuple[bytes, bytes]:
    header = source_header(content or film())
    seg = as_seg(header, outlines, BY)
    return seg, as_sr(header, figures(outlines), BY, seg)


@valid_by_dciodvfy
@pytest.mark.parametrize("outlines", [frontal(), neck()], ids=["frontal", "neck"])
def test_another_s_validator_finds_no_error(outlines: list[Outline], tmp_path: Path) -> None:
    for name, content in zip(("seg", "sr"), objects(outlines), strict=True):
        file = tmp_path / f"{name}.dcm"
        file.write_bytes(content)
        told = subprocess.run(["dciodvfy", str(file)], capture_output=True, text=True).stderr
        errors = [line for line in told.splitlines() if line.startswith("Error")]
        assert not errors and len(told.splitlines()) > 0, errors


def test_a_seg_is_read_back_body_by_body_under_snomed_s_levels() -> None:
    outlines = frontal()
    seg = hd.seg.segread(io.BytesIO(objects(outlines)[0]))
    assert [d.SegmentLabel for d in seg.SegmentSequence] == list(THORACIC + LUMBAR)
    for number, outline in enumerate(outlines, 1):
        described = seg.get_segment_description(number)
        assert described.segmented_property_type == level_code(outline.level)
        assert described.algorithm_type == hd.seg.SegmentAlgorithmTypeValues.AUTOMATIC
        (mask,) = seg.get_pixels_by_source_instance(
            [seg.get_source_image_uids()[0][2]], segment_numbers=[number]
        )
        y, x = np.nonzero(mask[..., 0])
        assert x.mean() + 0.5 == pytest.approx(outline.points[:, 0].mean() * 600, abs=1)
        assert y.mean() + 0.5 == pytest.approx(outline.points[:, 1].mean() * 640, abs=1)
        assert 40 * 20 <= len(x) <= 42 * 22  # Pixels that it touches, as of a mask's outline.


def test_a_seg_refers_to_the_film_and_its_series_and_so_does_the_sr_to_both() -> None:
    source = pydicom.dcmread(io.BytesIO(film()))
    header = source_header(film())
    header.SOPInstanceUID = source.SOPInstanceUID
    seg_bytes = as_seg(header, frontal(), BY)
    seg = pydicom.dcmread(io.BytesIO(seg_bytes))
    (series,) = seg.ReferencedSeriesSequence
    assert series.SeriesInstanceUID == SERIES
    assert series.ReferencedInstanceSequence[0].ReferencedSOPInstanceUID == source.SOPInstanceUID
    assert (seg.PatientID, seg.StudyInstanceUID) == (source.PatientID, source.StudyInstanceUID)
    sr = pydicom.dcmread(io.BytesIO(as_sr(header, figures(frontal()), BY, seg_bytes)))
    evidence = sr.CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence
    referred = {i.ReferencedSOPInstanceUID for s in evidence for i in s.ReferencedSOPSequence}
    assert referred == {source.SOPInstanceUID, seg.SOPInstanceUID}


@pytest.mark.parametrize("outlines", [frontal(), neck()], ids=["frontal", "neck"])
def test_every_figure_is_read_back_with_its_site_unit_and_interval(outlines: list[Outline]) -> None:
    sr = hd.sr.srread(io.BytesIO(objects(outlines)[1]))
    groups = {
        group.tracking_identifier: group for group in sr.content.get_image_measurement_groups()
    }
    told = figures(outlines)
    assert set(groups) == {called(one) for one in told}
    for one in told:
        group = groups[called(one)]
        (measurement,) = group.get_measurements()
        assert measurement.value == pytest.approx(one.figure.value)
        assert [site.value for site in group.finding_sites] == site_codes(one)
        (item,) = (each for each in measurement if each.ValueType == "NUM")
        bounds = {each.name.value: each for each in item.ContentSequence if each.ValueType == "NUM"}
        for code, away in (("371886008", "high"), ("371885007", "low")):
            end = getattr(one.figure, away)
            assert bounds[code].value == pytest.approx(abs(end - one.figure.value), abs=1e-4)
            assert bounds[code].unit == measurement.unit, "an uncertainty has its figure's unit"
    if "T1" in {outline.level for outline in outlines}:
        largest = groups[
            "Cobb angle by midlines T1-L5, convex to the film's left"
        ].get_measurements()[0]
        assert largest.name == codes.SCT.CobbAngle and largest.unit == codes.UCUM.Degree


def test_the_same_film_and_weights_give_the_same_objects_and_others_do_not() -> None:
    header = source_header(film())
    one, other = (pydicom.dcmread(io.BytesIO(as_seg(header, neck(), BY))) for _ in range(2))
    assert one.SOPInstanceUID == other.SOPInstanceUID
    by_labels = pydicom.dcmread(io.BytesIO(as_seg(header, neck(), By("labels"))))
    assert by_labels.SOPInstanceUID != one.SOPInstanceUID
    assert by_labels.SegmentSequence[0].SegmentAlgorithmType == "MANUAL"


def test_every_level_and_gap_has_a_public_code() -> None:
    assert len({level_code(level).value for level in ANATOMICAL_ORDER}) == 24
    nothing = Figure(value=0.0)
    assert len(site_codes(Listed("slip", "C3-C4", nothing, "%"))) == 1
    ends = site_codes(Listed("Cobb angle by midlines", "T5-T6", nothing, "degrees"))
    assert ends == [level_code("T5"), level_code("T6")]
    assert site_codes(Listed("tilt", "T5", nothing, "degrees")) == [level_code("T5")]


def test_a_name_that_dicom_does_not_take_is_made_plain() -> None:
    label = By("прогон " + "x" * 90, "ab" * 32)
    seg = pydicom.dcmread(io.BytesIO(as_seg(source_header(film()), neck(), label)))
    name = seg.SegmentSequence[0].SegmentAlgorithmName
    assert len(name) <= 64 and name.isascii()


@pytest.mark.parametrize("lacking", ["SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID"])
def test_a_film_that_nothing_can_refer_to_is_refused_and_names_nobody(lacking: str) -> None:
    dataset = pydicom.dcmread(io.BytesIO(film()))
    delattr(dataset, lacking)
    out = io.BytesIO()
    dataset.save_as(out)
    with pytest.raises(DataError, match=lacking) as refused:
        source_header(out.getvalue())
    assert "Secret" not in str(refused.value) and "\n" not in str(refused.value)
    with pytest.raises(DataError, match="cannot be referred to"):
        source_header(b"no DICOM")
