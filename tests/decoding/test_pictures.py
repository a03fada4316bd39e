"""Pictures of any depth, colour and orientation: one set of pixels, the trainer's too."""

import io
import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from spineseg.decoding.decode import as_png, decode, film_content, read_film
from spineseg.errors import DataError

RNG = np.random.default_rng(0)
FILM = cv2.GaussianBlur(RNG.integers(0, 255, (48, 64), np.uint8), (0, 0), 3)
FILM = cv2.normalize(FILM, None, 0, 255, cv2.NORM_MINMAX)
COLOUR = np.stack([FILM, FILM // 2, 255 - FILM], axis=2)


def saved(picture: np.ndarray | Image.Image, form: str = "PNG", **options: object) -> bytes:
    out = io.BytesIO()
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    image.save(out, format=form, **options)
    return out.getvalue()


def seen(content: bytes, name: str = "film.png") -> np.ndarray:
    return np.asarray(decode(content, Path(name)).image.convert("RGB"))


def exif(orientation: int) -> Image.Exif:
    tags = Image.Exif()
    tags[274] = orientation
    return tags


AS_IT_IS = {
    "grey PNG": saved(FILM),
    "colour PNG": saved(COLOUR),
    "grey JPEG": saved(FILM, "JPEG"),
    "colour JPEG": saved(COLOUR, "JPEG", quality=70),
    "progressive JPEG": saved(COLOUR, "JPEG", progressive=True, subsampling=2),
    "interlaced PNG": saved(FILM, "PNG", interlace=1),
    "upright by EXIF": saved(FILM, "JPEG", exif=exif(1)),
    "PNG with gamma": cv2.imencode(".png", FILM)[1].tobytes(),
}
CONVERTED = {
    "BMP": saved(FILM, "BMP"),
    "TIFF": saved(FILM, "TIFF"),
    "WebP": saved(COLOUR, "WEBP", lossless=True),
    "palette": saved(Image.fromarray(COLOUR).quantize(64)),
    "palette with transparency": saved(Image.fromarray(COLOUR).quantize(64), transparency=3),
    "transparency": saved(np.dstack([COLOUR, FILM])),
    "grey with transparency": saved(Image.fromarray(FILM).convert("LA")),
    "CMYK": saved(Image.fromarray(COLOUR).convert("CMYK"), "JPEG"),
    "1 bit": saved(Image.fromarray(FILM).convert("1")),
    "16 bits": saved(FILM.astype(np.uint16) * 257),
    "16 bits in colour": cv2.imencode(".png", COLOUR.astype(np.uint16) * 257)[1].tobytes(),
    "16-bit colour TIFF": cv2.imencode(".tiff", COLOUR.astype(np.uint16) * 257)[1].tobytes(),
    "float": saved(FILM.astype(np.float32) / 255, "TIFF"),
    "32-bit integers": saved(FILM.astype(np.int32) * 70000 - 9, "TIFF"),
    "turned by EXIF": saved(FILM, "JPEG", exif=exif(6)),
    "PNG turned by EXIF": saved(FILM, exif=exif(8)),
    "16 bits turned by EXIF": saved(FILM.astype(np.uint16) * 257, exif=exif(3)),
    "bytes after its end": saved(FILM, "JPEG") + b"trailing",
}


@pytest.mark.parametrize("name", AS_IT_IS)
def test_a_plain_film_stays_as_it_is_and_the_trainer_sees_the_same(name: str) -> None:
    content = AS_IT_IS[name]
    film = decode(content, Path("film.png"))
    trainers = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    assert film.conversion is None
    assert (np.asarray(film.image.convert("RGB")) == trainers).all()


@pytest.mark.parametrize("name", CONVERTED)
def test_another_film_is_converted_and_what_was_done_is_told(name: str) -> None:
    film = decode(CONVERTED[name], Path("film.png"))
    assert film.conversion
    png = as_png(film.image)
    trainers = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    assert (np.asarray(film.image.convert("RGB")) == trainers).all()
    again = decode(png, Path("film.png"))
    assert again.conversion is None and again.size == film.size


@pytest.mark.parametrize(
    "name", ["16 bits", "float", "32-bit integers", "TIFF", "bytes after its end", "BMP"]
)
def test_a_deep_film_looks_as_its_shallow_original(name: str) -> None:
    off = np.abs(seen(CONVERTED[name])[..., 0].astype(int) - FILM)
    assert off.max() <= (20 if name == "bytes after its end" else 1)


@pytest.mark.parametrize("name", ["16 bits in colour", "16-bit colour TIFF", "WebP"])
def test_deep_colour_keeps_its_channels(name: str) -> None:
    # OpenCV wrote blue first.
    wanted = COLOUR if name == "WebP" else COLOUR[..., ::-1]
    assert np.abs(seen(CONVERTED[name]).astype(int) - wanted).max() <= 2


@pytest.mark.parametrize("scale", [1, 16, 257])
@pytest.mark.parametrize("offset", [0, 30])
def test_depth_and_offset_change_no_grey(scale: int, offset: int) -> None:
    deep = FILM.astype(np.uint16) * scale + (offset if scale < 257 else 0)
    assert np.abs(seen(saved(deep))[..., 0].astype(int) - FILM).max() <= 1


@pytest.mark.parametrize("orientation", range(2, 9))
@pytest.mark.parametrize("form", ["JPEG", "PNG", "TIFF"])
def test_a_film_is_turned_as_exif_says(orientation: int, form: str) -> None:
    stored = saved(FILM, form, exif=exif(orientation))
    turned = np.asarray(seen(stored)[..., 0])
    assert turned.shape == ((64, 48) if orientation > 4 else (48, 64))
    plain = np.asarray(Image.open(io.BytesIO(saved(FILM, form))))
    ways = {2: plain[:, ::-1], 3: plain[::-1, ::-1], 4: plain[::-1], 5: plain.T,
            6: plain[::-1].T, 7: plain[::-1, ::-1].T, 8: plain.T[::-1]}  # fmt: skip
    assert (turned == ways[orientation]).all()


def test_a_hot_pixel_leaves_the_film_its_contrast_and_is_told() -> None:
    deep = np.kron(FILM, np.ones((4, 4), np.uint16)).astype(np.uint16) * 16
    deep[10, 10] = 65535
    film = decode(saved(deep), Path("film.png"))
    assert "clipped" in str(film.conversion)
    assert np.asarray(film.image).std() > 0.95 * FILM.std()


def test_a_film_of_no_numbers_is_refused_and_a_few_are_black() -> None:
    empty = np.full((32, 32), np.nan, np.float32)
    with pytest.raises(DataError, match="holds no number"):
        seen(saved(empty, "TIFF"))
    holes = FILM.astype(np.float32)
    holes[:4, :4], holes[4, 4] = np.nan, np.inf
    assert (seen(saved(holes, "TIFF"))[:4, :4] == 0).all()


def test_white_is_zero_in_a_deep_tiff_is_inverted() -> None:
    deep = saved(FILM.astype(np.uint16) * 257, "TIFF", tiffinfo={262: 0})
    assert np.abs(seen(deep)[..., 0].astype(int) - (255 - FILM)).max() <= 1


def test_several_pages_are_refused() -> None:
    pages = [Image.fromarray(FILM), Image.fromarray(255 - FILM)]
    content = saved(pages[0], "TIFF", save_all=True, append_images=pages[1:])
    with pytest.raises(DataError, match="has 2 pages; save one film a file"):
        seen(content)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "TIFF", "BMP", "WEBP"])
@pytest.mark.parametrize("share", [0.3, 0.9])
def test_a_film_that_is_cut_short_is_refused(form: str, share: float) -> None:
    content = saved(FILM, form)
    with pytest.raises(DataError, match="no image that can be read"):
        seen(content[: int(share * len(content))])


def test_too_many_pixels_are_refused_by_their_number(tmp_path: Path) -> None:
    path = tmp_path / "film.png"
    Image.new("1", (16384, 16384)).save(path)
    with pytest.raises(DataError, match="is 16384x16384 px, more than 100 million pixels"):
        read_film(path)


def test_a_file_too_large_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "film.png"
    with path.open("wb") as file:
        file.truncate(50 * 1024**3)  # Sparse: it takes no room.
    with pytest.raises(DataError, match=r"has 50\.0 GiB, no film has"):
        film_content(path)


@pytest.mark.parametrize("what", ["missing", "folder", "pipe"])
def test_what_is_no_file_is_refused(tmp_path: Path, what: str) -> None:
    import os

    path = tmp_path / "film.png"
    if what == "folder":
        path.mkdir()
    elif what == "pipe":
        os.mkfifo(path)
    with pytest.raises(DataError, match=r"film\.png: (no such file|is a folder|is no file)"):
        read_film(path)


def test_a_large_jpeg_is_read_in_part_for_its_hash() -> None:
    large = saved(np.kron(FILM, np.ones((16, 16), np.uint8)), "JPEG")
    film = decode(large, Path("film.jpg"), least_px=128)
    assert film.size == (1024, 768) and min(film.image.size) >= 128 and film.image.width < 1024


@pytest.mark.parametrize("cut", [4, 8, 12])
def test_a_png_without_its_end_is_written_anew_since_other_readers_drop_it(cut: int) -> None:
    film = decode(saved(FILM)[:-cut], Path("film.png"))
    assert "damaged end" in str(film.conversion)
    assert (np.asarray(film.image) == FILM).all()


def test_a_png_with_a_wrong_checksum_is_written_anew() -> None:
    content = bytearray(saved(FILM))
    content[-1] ^= 1
    assert decode(bytes(content), Path("film.png")).conversion is not None


@pytest.mark.parametrize("kind", ["u4", "i1"])
def test_a_tiff_of_any_kind_of_number_keeps_its_order(kind: str) -> None:
    ramp = np.tile(np.linspace(0, 1, 64), (48, 1))
    if kind == "u4":
        stored = (ramp * 4e9).astype(np.uint32).view(np.int32)
        content = saved(Image.fromarray(stored), "TIFF")  # Pillow writes it as signed.
        signed = b"\x53\x01\x03\x00\x01\x00\x00\x00\x02"
        assert signed in content
        content = content.replace(signed, signed[:-1] + b"\x01")
    else:
        stored = (ramp * 200 - 100).astype(np.int8).view(np.uint8)
        content = saved(Image.fromarray(stored), "TIFF", tiffinfo={339: 2})
    greys = seen(content, "film.tif")[0, :, 0].astype(int)
    assert (np.diff(greys) >= 0).all() and greys[0] == 0 and greys[-1] == 255


def test_a_postscript_file_is_no_film_and_starts_no_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program, marker = tmp_path / "gs", tmp_path / "ran"
    program.write_text(f"#!/bin/sh\ntouch '{marker}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr("PIL.EpsImagePlugin.gs_binary", None)  # Pillow looks for it once.
    for form in ("EPS", "GIF", "PPM"):
        with pytest.raises(DataError, match="is no image that can be read"):
            seen(saved(COLOUR, form))
    assert not marker.exists()
