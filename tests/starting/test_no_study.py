"""A folder that is none of films is refused in one line with the remedy; nothing is written."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from command import spineseg
from laid_out import films_only, put
from own_films import own_films, picture

from spineseg.errors import ConfigError, DataError, SpinesegError
from spineseg.starting.begin import begin


def refused(folder: Path, **told: object) -> str:
    """Return the one line that refuses a folder; nothing may be left of the try."""
    given = {"name": None, "out": None, "hours": None} | told
    with pytest.raises(SpinesegError) as error:
        begin(folder, timing=None, say=lambda text: None, quiet=True, **given)
    assert isinstance(error.value, ConfigError | DataError)
    assert "\n" not in str(error.value)
    assert not list(Path().glob("configs/**/*.part"))
    assert not Path("mlruns/work/data").exists()
    return str(error.value)


def test_no_folder_and_a_file(here: Path) -> None:
    assert "no such folder; name the one that holds your films" in refused(here / "none")
    assert "is a file; name the folder" in refused(put(here / "a.png", picture(0)))


def test_an_empty_folder(here: Path) -> None:
    (here / "films").mkdir()
    assert "holds no film (PNG, JPEG, TIFF, BMP, WebP or DICOM)" in refused(here / "films")
    assert not (here / "configs").exists()


def test_pictures_without_labels_are_counted_and_what_to_label_is_said(here: Path) -> None:
    films_only(here / "films", "{stem}.jpg")
    told = refused(here / "films")
    assert "6 films (.jpg 6) and no labels" in told
    assert "at least 12 patients" in told and "18 with a sealed test part" in told
    assert "spineseg predict" in told


def test_a_zip_is_to_be_unpacked(here: Path) -> None:
    (here / "films").mkdir()
    _zip(here / "films")
    assert "export.zip: is packed; unpack it first" in refused(here / "films")


def test_a_zip_beside_films_is_told(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _zip(own_films(here / "films", ["P1_L", "P2_L", "P2_R"]))
    with pytest.raises(DataError, match=r"3 labelled films of 2 patients: .* 10 more are missing"):
        begin(here / "films", None, None, None, timing=None, say=print)
    assert "packed file, not read: unpack it (export.zip)" in capsys.readouterr().out


def _zip(folder: Path) -> None:
    with zipfile.ZipFile(folder / "export.zip", "w") as archive:
        archive.writestr("a.txt", "")


def test_patients_without_any_label_are_none_to_train_on(here: Path) -> None:
    own_films(here / "films", [f"P{n:02d}_L" for n in range(11)])
    for number in range(10):
        put(here / "films" / "images" / f"P{number + 30}_L.png", picture(100 + number))
    assert "11 labelled films of 11 patients" in refused(here / "films")


def test_a_config_that_is_there_is_never_overwritten(here: Path) -> None:
    own_films(here / "films")
    path = put(here / "configs/studies/films.yaml", "mine")
    told = refused(here / "films")
    assert "configs/studies/films.yaml: is there already; give another --name or --out" in told
    assert path.read_text() == "mine"
    assert "give another --out" in refused(here / "films", out=path)


def test_a_study_on_record_keeps_its_name(here: Path) -> None:
    own_films(here / "films")
    put(here / "mlruns/work/studies/films/000-baseline/job.json", "{}")
    assert "study 'films' is on record already, with 1 runs; give another --name" in refused(
        here / "films"
    )


@pytest.mark.parametrize("name", ["My Films", "", "../x", "a" * 80])
def test_a_name_that_no_study_may_have(here: Path, name: str) -> None:
    own_films(here / "films")
    assert "a study's name is of small letters" in refused(here / "films", name=name)


@pytest.mark.parametrize("hours", [0.0, -1.0, float("nan"), float("inf")])
def test_hours_that_are_none(here: Path, hours: float) -> None:
    assert "--hours" in refused(here, hours=hours)


def test_class_names_that_are_no_levels_at_all(here: Path) -> None:
    own_films(here / "films", levels=("D9", "D10", "D11", "T12"))
    told = refused(here / "films")
    assert "classes D10, D11, D9 are none of the 24 levels" in told and "class_map" in told


def test_films_of_which_none_can_be_read(here: Path) -> None:
    own_films(here / "films")
    for film in (here / "films/images").iterdir():
        film.write_bytes(b"no film")
    assert "none of the 40 films can be used" in refused(here / "films")


def test_two_films_of_one_name_but_for_the_suffix(here: Path) -> None:
    own_films(here / "films")
    put(here / "films/images/P000_L.bmp", picture(99))
    assert "rename one with its labels" in refused(here / "films")


@pytest.mark.wide
def test_the_command_ends_with_2_and_one_line(here: Path) -> None:
    ended = spineseg("init", "nowhere", cwd=here)
    assert ended.returncode == 2 and len(ended.stderr.splitlines()) == 1
    assert "no such folder" in ended.stderr
