"""A dataset that is there already: its sources' own account, and nothing else that is read."""

import json
import shutil
from pathlib import Path

import pytest
from merged_data import first_film, prepare

from spineseg.data.audit import load_audit
from spineseg.data.known import refuse_unwhole
from spineseg.data.merged_labels import label_path
from spineseg.errors import DataError


def test_each_sources_account_is_its_own_though_their_films_are_the_same(
    tmp_path: Path, export: Path
) -> None:
    other = Path(shutil.copytree(export, tmp_path / "other"))
    broken = first_film(other).with_name("broken.jpg")
    broken.write_bytes(b"no film")
    label_path(broken).write_text("")
    for _ in range(2):
        for folder, seen in ((export, 9), (other, 10)):
            audit = load_audit(prepare(tmp_path, folder, damaged="drop"))
            assert audit.account.sources[0].films_seen == seen
            assert audit.account.sources[0].name == folder.name


@pytest.mark.parametrize("damage", ["nested film", "data.yaml", "entry", "folder", "file"])
def test_whatever_a_trainer_would_read_otherwise_is_noticed_and_mended(
    tmp_path: Path, export: Path, damage: str
) -> None:
    dataset = prepare(tmp_path, export)
    film = first_film(dataset.folder)
    manifest = dataset.folder / "manifest.json"
    names = dataset.folder / "data.yaml"
    before = names.read_text()
    if damage == "nested film":
        inner = film.parent / "sub"
        inner.mkdir()
        shutil.copy(first_film(dataset.folder, "valid"), inner / "more.jpg")
    elif damage == "data.yaml":
        names.write_text(before.replace("valid/images", "train/images"))
    elif damage == "entry":
        content = json.loads(manifest.read_text())
        content["entries"] = [e for e in content["entries"] if e["name"] != film.name]
        manifest.write_text(json.dumps(content))
        label_path(film).unlink()
        film.unlink()
    elif damage == "folder":
        film.unlink()
        film.mkdir()
    else:
        shutil.rmtree(film.parent)
        film.parent.write_text("no folder")
    with pytest.raises(DataError, match="missing or changed"):
        refuse_unwhole(dataset.folder)
    again = prepare(tmp_path, export)
    assert again.manifest == dataset.manifest and film.is_file()
    assert names.read_text() == before
    refuse_unwhole(dataset.folder)
