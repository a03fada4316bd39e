"""A film's true shape: said by a person, a table, a spacing; else known for what is not square."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from spineseg.errors import ConfigError, DataError
from spineseg.films import Spacing
from spineseg.measurement.aspect import known_aspect, read_aspect, read_sizes


@pytest.mark.parametrize(
    ("text", "value"), [("755:2125", 755 / 2125), ("0.355", 0.355), ("3 x 4", 0.75), ("1", 1.0)]
)
def test_an_aspect_is_a_pair_or_a_number(text: str, value: float) -> None:
    assert read_aspect(text) == pytest.approx(value)


@pytest.mark.parametrize(
    "text", ["", "wide", "0", "-1", "0:5", "5:0", "1:100", "nan", "inf", "1e9"]
)
def test_another_aspect_is_refused_in_a_line(text: str) -> None:
    with pytest.raises(ConfigError, match="true width over its height") as refused:
        read_aspect(text)
    assert "\n" not in str(refused.value)


def test_a_table_of_sizes_is_read_by_film(tmp_path: Path) -> None:
    file = tmp_path / "sizes.csv"
    file.write_text("\ufefffilm,width_px,height_px,more\na.jpg,100,400,x\nb.jpg,50.5,101,\n")
    assert read_sizes(file) == {"a.jpg": 0.25, "b.jpg": 0.5}


@pytest.mark.parametrize(
    "content",
    [
        "",
        "film,width,height\na,1,2\n",
        "film,width_px,height_px\n",
        "film,width_px,height_px\na,0,2\n",
        "film,width_px,height_px\na,1,0\n",
        "film,width_px,height_px\na,1\n",
        "film,width_px,height_px\na,nan,2\n",
        "film,width_px,height_px\na,1,200\n",
        "film,width_px,height_px\na,-755,-2125\n",
        "film,width_px,height_px\n,755,2125\n",
        "film,width_px,height_px\na,755,2125\na,1,1\n",
        b"\xff\xfe\x00",
    ],
)
def test_another_table_is_refused_in_a_line(content: str | bytes, tmp_path: Path) -> None:
    file = tmp_path / "sizes.csv"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(DataError, match=r"sizes\.csv") as refused:
        read_sizes(file)
    assert "\n" not in str(refused.value)
    with pytest.raises(DataError):
        read_sizes(tmp_path / "none.csv")


def test_who_says_a_film_s_shape() -> None:
    spacing = Spacing(0.2, 0.1, "at the detector")
    table = {"a.jpg": 0.3}

    def of(name: str, size: tuple[int, int], *, table: dict[str, float] = {}, **more: Any) -> Any:  # noqa: B006
        told = {"spacing": None, "pixel_aspect": None} | more
        return known_aspect(name, size, sizes=table, **told)

    assert of("a.jpg", (640, 640), table=table) == 0.3
    assert of("b.jpg", (800, 600), table=table) is None  # A table is to name all.
    assert of("b.jpg", (640, 640)) is None
    assert of("b.jpg", (800, 600)) == 0.75
    assert of("b.dcm", (640, 640), pixel_aspect=1.0) == 1.0
    assert of("b.dcm", (640, 640), pixel_aspect=0.5) == 0.5
    assert of("b.dcm", (640, 320), pixel_aspect=0.5) == 0.25
    assert of("a.jpg", (640, 640), spacing=spacing, table=table) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("size", "spacing"), [((16, 60000), None), ((640, 640), Spacing(1.0, 100.0, "calibrated"))]
)
def test_a_shape_that_no_film_has_is_not_known(
    size: tuple[int, int], spacing: Spacing | None
) -> None:
    assert known_aspect("a", size, spacing, sizes={}, pixel_aspect=1.0) is None
