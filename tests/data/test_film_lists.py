"""A list of a part's films that names none of them is refused by its line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from good_ends import told_by
from laid_out import films, lay, put

from spineseg.data.layouts import read_folder
from spineseg.errors import DataError

KEYS = {"train": "train.txt", "val": "val.txt"}


def listed(folder: Path, valid: str) -> Path:
    lay(folder, "images/{stem}.jpg", "labels/{stem}.txt", keys=KEYS)
    put(folder / "train.txt", "".join(f"images/a{n}.jpg\n" for n in range(4)))
    put(folder / "val.txt", valid)
    return folder


def test_lists_by_whole_paths_are_read(tmp_path: Path) -> None:
    folder = listed(tmp_path, "/x/images/b0.jpg\n\nD:\\x\\images\\b1.jpg\n")
    assert told_by(read_folder(folder)) == films()


@pytest.mark.parametrize("line", ["images/b*.jpg", "images/B0.JPG", "images/b0.png"])
def test_a_list_that_names_no_film_is_refused_by_its_line(tmp_path: Path, line: str) -> None:
    words = rf"val\.txt: names no film that is here, as {re.escape(line)}; write each film's path"
    with pytest.raises(DataError, match=words):
        read_folder(listed(tmp_path, f"\n{line}\n"))


def test_an_empty_list_is_said_to_be_empty(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"names val\.txt, which is empty"):
        read_folder(listed(tmp_path, "\n"))


def test_a_line_that_names_no_film_among_others_is_told(tmp_path: Path) -> None:
    source = read_folder(listed(tmp_path, "images/b0.jpg\nimages/b1.jpg\nimages/c.jpg\n"))
    assert told_by(source) == films()
    assert [(left.path.name, left.is_loss) for left in source.left_out] == [("c.jpg", True)]
