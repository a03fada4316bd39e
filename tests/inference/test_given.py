"""Files, folders and patterns: which films they mean, and what in them is none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from dicom_files import radiograph, stored
from PIL import Image

from spineseg.errors import ConfigError, DataError
from spineseg.inference import given
from spineseg.inference.folder import folder_for, refuse_other_content, write_record
from spineseg.inference.given import given_films
from spineseg.inference.names import file_names


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of films and of much else, in which commands are given."""
    monkeypatch.chdir(tmp_path)
    for place in ("in/a.png", "in/deep/er/b.JPG", "in/deep/c.tif", "in/d[1].png"):
        path = tmp_path / place
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (32, 32)).save(path)
    (tmp_path / "in" / "IM0001").write_bytes(stored(radiograph(np.zeros((32, 32), np.uint16))))
    for place in ("in/notes.txt", "in/labels.csv", "in/.hidden.png", "in/LICENSE", "in/x"):
        (tmp_path / place).write_text("no film")
    (tmp_path / "in" / "gone.png").symlink_to(tmp_path / "nowhere.png")
    return tmp_path


def names(*places: str) -> list[str]:
    return [str(path) for path in given_films(places).films]


def test_a_folder_gives_all_films_beneath_it_and_says_what_it_skipped(folder: Path) -> None:
    found = given_films(["in"])
    assert [str(path) for path in found.films] == [
        "in/IM0001", "in/a.png", "in/d[1].png", "in/deep/c.tif", "in/deep/er/b.JPG",
    ]  # fmt: skip
    assert found.reasons() == {
        "no film (without suffix)": 2, "no plain file": 1, "no film (.txt)": 1,
        "no film (.csv)": 1, "hidden": 1,
    }  # fmt: skip
    assert "2 no film (without suffix), 1 no plain file" in found.skipped_text()


def test_patterns_are_expanded_here_and_a_file_of_that_name_goes_before(folder: Path) -> None:
    assert names("in/**/*.*g") == ["in/a.png", "in/d[1].png"]
    assert names("in/d[1].png") == ["in/d[1].png"]
    assert names("in/*", "in/a.png")[0] == "in/IM0001"
    found = given_films([str(folder / "in" / "*.*")])
    assert len(found.films) == 2 and found.reasons()["no film (.txt)"] == 1


def test_a_film_named_twice_is_taken_once(folder: Path) -> None:
    found = given_films(["in/a.png", "in", folder / "in" / "a.png"])
    assert found.named_twice == 2 and len(found.films) == 5
    assert str(found.films[0]) == "in/a.png"


@pytest.mark.parametrize(
    ("places", "said"),
    [
        (["empty"], "empty: no film there; name PNG, JPEG"),
        (["texts"], r"texts: no film there \(2 no film \(.txt\)\); name PNG"),
        (["*.nothing"], r"\*.nothing: matches no file; mend the pattern"),
        (["in/notes.txt"], "in/notes.txt: is no image that can be read"),
        (["in", "gone.png"], "gone.png: no such file; name a film"),
        ([], "nothing: no film there"),
    ],
)
def test_where_there_is_no_film_that_is_one_line_and_the_remedy(
    folder: Path, places: list[str], said: str
) -> None:
    (folder / "empty").mkdir()
    (folder / "texts").mkdir()
    for name in ("one.txt", "two.txt"):
        (folder / "texts" / name).write_text("no film")
    with pytest.raises(DataError, match=said) as caught:
        given_films(places)
    assert "\n" not in str(caught.value)


def test_earlier_predictions_in_a_folder_are_no_films(folder: Path) -> None:
    before = names("in")
    (folder / "in" / "predictions" / "thumbnails").mkdir(parents=True)
    Image.new("L", (32, 32)).save(folder / "in" / "predictions" / "a.png")
    Image.new("L", (32, 32)).save(folder / "in" / "predictions" / "thumbnails" / "a.jpg")
    (folder / "in" / "predictions" / "predictions.json").write_text("{}")
    assert names("in") == before
    assert given_films(["in"]).reasons()["of earlier predictions"] == 3


def test_of_many_named_films_the_heads_are_looked_at(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(given, "_READ_FIRST", 1)
    (folder / "cut.png").write_bytes((folder / "in" / "a.png").read_bytes()[:-20])
    assert names("in/a.png", "cut.png", "in/IM0001")[1] == "cut.png"  # Told when it is read.
    for wrong in ("in/notes.txt", "in/gone.png", "in/deep/none.png"):
        with pytest.raises(DataError, match=wrong):
            given_films(["in/a.png", wrong])


def test_no_two_films_share_their_files() -> None:
    films = ["a/f.png", "b/F.jpg", "f-1.png", "x.png", "predictions.png", f"{'l' * 250}.png"]
    films += ["a\nb.png", "ü#?.png", "c/f-1.png"]
    stems = file_names([Path(film) for film in films], taken=("predictions", "index"))
    assert len({stem.casefold() for stem in stems}) == len(films)
    assert stems[3] == "x" and stems[4] == "predictions-5" and stems[6:8] == ["a_b", "ü__"]
    assert all(len(f".{stem}.json.4194304.part".encode()) < 255 for stem in stems)


def test_without_a_folder_named_the_first_free_one_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert folder_for(None, {}, {}) == Path("predictions")
    for number, name in enumerate(("predictions", "predictions-2"), start=2):
        (tmp_path / name).mkdir()
        assert folder_for(None, {}, {}) == Path(name)  # Empty is as good as none.
        (tmp_path / name / "mine.txt").write_text("mine")
        assert folder_for(None, {}, {}) == Path(f"predictions-{number}")


def test_a_film_that_would_be_numbered_anew_is_refused_with_both_names(tmp_path: Path) -> None:
    write_record(tmp_path, {}, {"film": "film.jpg"}, {})
    with pytest.raises(ConfigError) as refused:
        folder_for(tmp_path, {}, {"film-1": "film.jpg", "film-2": "a/film.jpg"})
    assert "holds predictions of film.jpg as film; another film of that name was" in str(
        refused.value
    )
    assert "so that it would be film-1" in str(refused.value)


def test_what_can_take_no_predictions_is_refused_before_any_film_is_known(tmp_path: Path) -> None:
    refuse_other_content(None)
    refuse_other_content(tmp_path)
    (tmp_path / "mine.txt").write_text("mine")
    for place in (tmp_path, tmp_path / "mine.txt"):
        with pytest.raises(ConfigError, match="name another folder"):
            refuse_other_content(place)
