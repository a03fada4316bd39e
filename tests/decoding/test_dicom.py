"""DICOM radiographs: seen as they are meant to be, or refused in one line that names nobody."""

from pathlib import Path

import numpy as np
import pytest
from dicom_files import radiograph, stored
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    MPEG2MPML,
    DeflatedExplicitVRLittleEndian,
    JPEGLSLossless,
    RLELossless,
)

from spineseg.decoding.decode import DecodedFilm, decode
from spineseg.errors import DataError
from spineseg.films import Spacing

RAMP = np.tile(np.arange(0, 4096, 64, dtype=np.uint16), (40, 1))  # (40, 64)
PATH = Path("film.dcm")


def seen(film: Dataset, path: Path = PATH) -> DecodedFilm:
    return decode(stored(film), path)


def grey(film: Dataset) -> np.ndarray:
    return np.asarray(seen(film).image).astype(int)


def test_without_a_window_the_range_of_its_values_fills_the_greys() -> None:
    film = seen(radiograph(RAMP + 1000, bits=16))
    assert film.conversion == "DICOM by its range" and film.size == (64, 40)
    pixels = np.asarray(film.image)
    assert pixels.dtype == np.uint8 and pixels[0, 0] == 0 and pixels[0, -1] == 255


def test_a_window_decides_which_values_are_black_and_white() -> None:
    film = radiograph(RAMP, WindowCenter=1024, WindowWidth=512)
    pixels = grey(film)[0]
    assert (pixels[RAMP[0] < 768] == 0).all() and (pixels[RAMP[0] > 1280] == 255).all()
    assert abs(pixels[RAMP[0] == 1024].item() - 128) <= 2
    assert seen(film).conversion == "DICOM by its window"


def test_of_several_windows_the_first_is_taken() -> None:
    two = radiograph(RAMP, WindowCenter=[1024, 3000], WindowWidth=[512, 100])
    one = radiograph(RAMP, WindowCenter=1024, WindowWidth=512)
    assert (grey(two) == grey(one)).all()


@pytest.mark.parametrize("window", [(1e6, 10), (1024, 0), (None, None), (1024, None)])
def test_a_window_that_shows_nothing_leaves_the_range(window: tuple) -> None:
    film = radiograph(RAMP, WindowCenter=window[0], WindowWidth=window[1])
    assert (grey(film) == grey(radiograph(RAMP))).all()
    assert seen(film).conversion.startswith("DICOM by its range")


def test_monochrome1_is_inverted_so_that_bone_is_bright() -> None:
    film = radiograph(RAMP, PhotometricInterpretation="MONOCHROME1")
    assert (grey(film) == 255 - grey(radiograph(RAMP))).all()
    assert "inverted" in seen(film).conversion


def test_rescaling_and_signed_values_change_nothing_of_the_picture() -> None:
    signed = radiograph(RAMP.astype(np.int16) - 1000, bits=16)
    rescaled = radiograph(RAMP, RescaleSlope=2.0, RescaleIntercept=-300)
    assert (grey(signed) == grey(radiograph(RAMP))).all()
    assert (grey(rescaled) == grey(radiograph(RAMP))).all()


@pytest.mark.parametrize("kind", ["MONOCHROME1", "MONOCHROME2"])
def test_a_window_after_a_falling_rescale_shows_the_film(kind: str) -> None:
    falling = radiograph(
        (4095 - RAMP).astype(np.uint16), RescaleSlope=-1, RescaleIntercept=4095,
        WindowCenter=2048, WindowWidth=4096, PhotometricInterpretation=kind,
    )  # fmt: skip
    plain = radiograph(RAMP, WindowCenter=2048, WindowWidth=4096, PhotometricInterpretation=kind)
    assert np.abs(grey(falling) - grey(plain)).max() <= 1 and grey(falling).std() > 60


def test_a_table_that_is_none_leaves_the_window() -> None:
    window = {"WindowCenter": 1024, "WindowWidth": 512}
    lame = Dataset()
    lame.LUTDescriptor = [4096, 0, 12]
    for tables in ([], [lame]):
        film = radiograph(RAMP, VOILUTSequence=tables, **window)
        assert (grey(film) == grey(radiograph(RAMP, **window))).all()


@pytest.mark.parametrize("kind", [b"FD", b"FL", b"ZZ", b"SQ", b"US"])
@pytest.mark.parametrize("element", [b"\x10\x00\x20\x00", b"\x20\x00\x0d\x00"])
def test_an_identifier_of_a_damaged_kind_is_no_traceback_and_is_not_quoted(
    kind: bytes, element: bytes
) -> None:
    content = stored(radiograph(RAMP))
    at = content.index(element + (b"LO" if element[0] == 16 else b"UI"))
    damaged = content[: at + 4] + kind + content[at + 6 :]
    try:
        facts = decode(damaged, PATH).dicom
    except DataError as error:
        assert "4711" not in str(error) and "1.2.826" not in str(error)
    else:
        assert facts is not None


def test_padding_is_black_and_takes_no_part_in_the_range() -> None:
    padded = RAMP.copy()
    padded[:, :8] = 65000
    film = radiograph(padded, bits=16, PixelPaddingValue=65000)
    pixels = grey(film)
    assert (pixels[:, :8] == 0).all()
    assert (pixels[:, -1] == 255).all() and pixels[0, 8] == 0


def test_a_table_of_values_of_interest_is_applied() -> None:
    table = Dataset()
    table.LUTDescriptor = [4096, 0, 12]
    table.add_new("LUTData", "OW", np.array([4095 - i for i in range(4096)], "<u2").tobytes())
    film = radiograph(RAMP, VOILUTSequence=[table])
    assert (np.diff(grey(film)[0]) <= 0).all() and grey(film)[0, 0] == 255


def test_a_secondary_capture_in_colour_is_read() -> None:
    values = np.random.default_rng(0).integers(0, 255, (32, 40, 3), np.uint8)
    film = seen(radiograph(values))
    assert film.image.mode == "RGB" and (np.asarray(film.image) == values).all()


@pytest.mark.parametrize("syntax", [RLELossless, JPEGLSLossless])
def test_compressed_pixels_are_decoded(syntax: str) -> None:
    film = radiograph(RAMP)
    if syntax == RLELossless:
        film.compress(RLELossless)
        assert (grey(film) == grey(radiograph(RAMP))).all()
    else:
        content = Path(str(get_testdata_file("MR_small_jpeg_ls_lossless.dcm"))).read_bytes()
        plain = Path(str(get_testdata_file("MR_small.dcm"))).read_bytes()
        pixels = [np.asarray(decode(each, PATH).image) for each in (content, plain)]
        assert (pixels[0] == pixels[1]).all() and pixels[0].std() > 10


@pytest.mark.parametrize(
    "name",
    ["JPEG2000.dcm", "JPGExtended.dcm", "examples_palette.dcm", "CT_small.dcm",
     "examples_ybr_color.dcm", "MR_small_bigendian.dcm", "SC_rgb_jpeg_gdcm.dcm"],
)  # fmt: skip
def test_what_devices_write_is_read_or_refused_in_one_line(name: str) -> None:
    path = get_testdata_file(name, download=False)
    if path is None:
        pytest.skip(f"pydicom ships no {name} here")
    try:
        film = decode(Path(str(path)).read_bytes(), Path(name))
    except DataError as error:
        assert "frames" in str(error) and "\n" not in str(error)
    else:
        assert np.asarray(film.image).std() > 3


def test_a_file_without_its_mark_is_known_by_its_suffix() -> None:
    content = stored(radiograph(RAMP), preamble=False)
    assert (np.asarray(decode(content, PATH).image) == grey(radiograph(RAMP))).all()
    with pytest.raises(DataError, match="no image that can be read"):
        decode(content, Path("film.png"))
    marked = stored(radiograph(RAMP))
    assert decode(marked, Path("IM000001")).dicom is not None


@pytest.mark.parametrize(
    ("name", "words"),
    [("reportsi.dcm", "without an image"), ("rtplan.dcm", "without an image"),
     ("SC_rgb_rle_2frame.dcm", "2 frames"), ("rtdose.dcm", "15 frames"),
     ("MR_truncated.dcm", "cannot be decoded here")],
)  # fmt: skip
def test_other_objects_are_refused_in_one_line(name: str, words: str) -> None:
    content = Path(str(get_testdata_file(name))).read_bytes()
    with pytest.raises(DataError, match=words) as caught:
        decode(content, Path("film.dcm"))
    assert "\n" not in str(caught.value) and "film.dcm" in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"no film" * 50, b"\0" * 128 + b"DICM", b"\0" * 5000])
def test_what_is_no_dicom_is_refused_in_one_line(content: bytes) -> None:
    with pytest.raises(DataError, match=r"film\.dcm: is no DICOM"):
        decode(content, PATH)


def test_damage_anywhere_ends_in_a_film_or_one_line_and_names_nobody(
    capfd: pytest.CaptureFixture[str], recwarn: pytest.WarningsRecorder
) -> None:
    whole = stored(radiograph(RAMP, WindowCenter=1024, WindowWidth=512))
    rng = np.random.default_rng(0)
    for _ in range(150):
        damaged = bytearray(whole[: int(rng.integers(len(whole) // 20, len(whole)))])
        for at in rng.integers(0, min(len(damaged), 900), 6):
            damaged[at] = int(rng.integers(256))
        try:
            decode(bytes(damaged), PATH)
        except DataError as error:
            assert "\n" not in str(error) and "Secret" not in str(error)
            assert "4711" not in str(error)
    told = "".join(capfd.readouterr()) + "".join(str(w.message) for w in recwarn.list)
    assert "Secret" not in told and "4711" not in told


def test_a_syntax_that_nothing_decodes_is_one_line() -> None:
    film = radiograph(RAMP)
    film.PixelData = encapsulate([bytes(200)])
    film.file_meta.TransferSyntaxUID = MPEG2MPML
    with pytest.raises(DataError, match=r"its pixels \(MPEG2.*PNG"):
        seen(film)


def test_too_many_pixels_are_refused_before_they_are_decoded() -> None:
    film = radiograph(RAMP)
    film.Rows, film.Columns = 20_000, 30_000
    with pytest.raises(DataError, match="is 30000x20000 px, more than 100 million"):
        seen(film)


@pytest.mark.parametrize(
    ("elements", "kind"),
    [
        ({}, None),
        ({"PixelSpacing": [0.2, 0.3]}, "of unknown plane"),
        ({"ImagerPixelSpacing": [0.2, 0.3]}, "at the detector"),
        ({"PixelSpacing": [0.2, 0.3], "ImagerPixelSpacing": [0.2, 0.3]}, "at the detector"),
        ({"PixelSpacing": [0.2, 0.3], "ImagerPixelSpacing": [0.25, 0.4]}, "calibrated"),
        ({"PixelSpacing": [0.2, 0.3], "PixelSpacingCalibrationType": "FIDUCIAL"}, "calibrated"),
        ({"PixelSpacing": [0.0, 0.3]}, None),
    ],
)
def test_pixel_spacing_keeps_its_kind(elements: dict, kind: str | None) -> None:
    facts = seen(radiograph(RAMP, **elements)).dicom
    assert facts is not None
    assert facts.spacing == (None if kind is None else Spacing(0.2, 0.3, kind))


def test_who_it_is_stays_in_memory() -> None:
    facts = seen(radiograph(RAMP)).dicom
    assert facts is not None and facts.patient_id == "ID-4711"
    assert facts.study_uid == "1.2.826.0.1.3680043.8.498.1"


def test_a_deflated_object_is_refused_before_it_is_inflated() -> None:
    film = radiograph(np.zeros((64, 64), np.uint16))
    film.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    with pytest.raises(DataError, match=r"deflated DICOM object, .* save it uncompressed"):
        decode(stored(film), Path("film.dcm"))
