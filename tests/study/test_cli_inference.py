"""`predict` and `evaluate` from the command line: answers, and what a person can mend."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command import spineseg
from exports import write_export
from mlflow_server import free_port
from registry_cases import fresh_store, register_file, weights_of

from spineseg.files import sha256_of
from spineseg.levels import THORACIC
from spineseg.training.weights import bundled_weights

pytestmark = pytest.mark.wide

SHA256 = sha256_of(bundled_weights())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, empty_stores: Path) -> Path:
    """A folder with an export, a film and a store with a champion and a version by hand."""
    folder = tmp_path_factory.mktemp("at-work")
    export = write_export(folder / "export", {"valid": 2}, names=THORACIC)
    film = next((export / "valid" / "images").iterdir())
    (folder / "film.jpg").write_bytes(film.read_bytes())
    store = fresh_store(folder / "mlruns", empty_stores)
    register_file(store, bundled_weights(), image_size_px=96)
    by_hand = weights_of(folder, b"text")
    register_file(store, by_hand, name="by-hand", without=("image_size_px", "numbering"))
    return folder


def test_an_empty_name_is_not_the_champion(folder: Path) -> None:
    done = spineseg("predict", "film.jpg", "--model", "", "--out", "by-nothing", cwd=folder)
    assert done.returncode == 2 and not (folder / "by-nothing").exists()
    assert "--model '': must be NAME, NAME@ALIAS or NAME/VERSION" in done.stderr


def test_predict_uses_the_champion_and_says_so(folder: Path) -> None:
    done = spineseg("predict", "film.jpg", "--out", "by-champion", "--json", cwd=folder)
    assert done.returncode == 0, done.stderr
    (answer,) = json.loads(done.stdout)
    assert set(answer) >= {"image", "width", "height", "spacing", "vertebrae", "weights"}
    assert answer["weights"]["sha256"] == SHA256 and answer["weights"]["version"] == "1"
    assert f"weights {SHA256[:12]} (model spine-vertebrae version 1 of sqlite:" in done.stderr
    assert (folder / "mlruns" / "work" / "models" / f"{SHA256}.pt").is_file()


def test_evaluate_scores_the_champion_and_a_file(folder: Path) -> None:
    model = spineseg(
        "evaluate", "--model", "spine-vertebrae/1", "--data", "export", "--json", cwd=folder
    )
    answer = json.loads(model.stdout)
    assert answer["films"] == 2 and "mask_map50_95" in answer["scores"]
    assert answer["weights"]["sha256"] == SHA256 and answer["weights"]["columns_learnt"] is True
    file = spineseg("evaluate", "--weights", str(bundled_weights()), "--data", "export", cwd=folder)
    assert file.stdout.startswith(f"weights {SHA256[:12]} ({bundled_weights()}), 224 px, levels ")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("predict film.jpg --weights text.pt --model a", "are both given; name one"),
        ("evaluate --data export --weights text.pt --model a", "are both given; name one"),
        ("evaluate --data export --weights text.pt --store mlruns", "leave one of them out"),
        ("predict film.jpg --set store.root=x", "name it with --config"),
        ("predict film.jpg --weights text.pt", "is no Ultralytics checkpoint"),
        ("evaluate --data export --weights text.pt", "is no Ultralytics checkpoint"),
        ("predict film.jpg --model gone", "has no model 'gone'; it has by-hand, spine-vertebrae"),
        ("predict film.jpg --model spine-vertebrae@gone", "has no alias 'gone'; it has versions"),
        ("evaluate --data export --model spine-vertebrae/7", "has no version 7; it has 1"),
        ("predict film.jpg --model a@", "must be NAME, NAME@ALIAS or NAME/VERSION"),
        ("predict film.jpg --model by-hand", "has no tag numbering, which"),
        ("predict film.jpg --store gone", "--store gone: is neither a folder nor an address"),
        ("predict film.jpg --store export", "there is no tracking store"),
        ("predict film.jpg --store http://127.0.0.1:PORT", "tracking store http://127.0.0.1:"),
        ("predict film.jpg --config gone.yaml", "gone.yaml: no such file"),
    ],
)
def test_what_a_person_can_mend_is_one_line_and_exit_code_2(
    folder: Path, words: str, said: str
) -> None:
    before = sorted(path.name for path in folder.iterdir())
    done = spineseg(*words.replace("PORT", str(free_port())).split(), cwd=folder)
    assert done.returncode == 2, done.stderr
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("spineseg: ") and said in line
    assert sorted(path.name for path in folder.iterdir()) == before
