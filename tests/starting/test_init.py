"""`spineseg init`: a folder of films becomes a study that loads, checks, merges and trains."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from laid_out import coco, films_only, labelme, lay, put, task
from own_films import BOTH_SIDES, dicom_films, own_films, picture, rows

from spineseg.config.yaml_files import load_study
from spineseg.data.audit import load_audit
from spineseg.data.merge import prepare_dataset
from spineseg.data.patients import Patient, Whose
from spineseg.errors import DataError
from spineseg.films import PARTS
from spineseg.places import Caches
from spineseg.starting.enough import division
from spineseg.starting.found_text import division_text
from spineseg.starting.sizing import assumed_pace, sized
from spineseg.study_checks import check_study


def test_a_folder_becomes_a_config_that_opens_with_its_command_and_what_to_expect(
    here: Path, init
) -> None:
    own_films(here / "My Films 2")
    said = init("My Films 2", "--hours", "1")
    text = (here / "configs/studies/my-films-2.yaml").read_text()
    assert text.startswith("# Begun by `spineseg init`: 40 films in My Films 2\n")
    assert "#   spineseg run configs/studies/my-films-2.yaml" in text
    assert "# Expect" in text and "trainings in about" in text
    assert "spineseg run configs/studies/my-films-2.yaml" in said
    assert "40 films, 40 labelled" in said and "YOLO" in said
    assert r"20, by data.patient_pattern 'P(\d+)'; sure: look at the groups" in said
    assert "000: 2 films, P000_L, P000_R" in said


def test_what_is_written_loads_and_divides_as_it_was_said(here: Path, answer) -> None:
    own_films(here / "films")
    told = answer("films")
    path = here / told["config"]
    config = load_study(path)
    check_study(config, path)
    dataset = prepare_dataset(config.data, Caches(config.store.root).data)
    assert {part: dataset.manifest.count(part) for part in PARTS} == told["division"]["films"]
    patients = {part: c.patients for part, c in load_audit(dataset).parts.items()}
    assert patients == told["division"]["part_patients"] and min(patients.values()) >= 6
    assert not load_audit(dataset).leaks()
    training = {key: told["sized"][key] for key in ("batch", "epochs", "lr0", "image_size_px")}
    assert training.items() <= config.baseline.model_dump().items()


@pytest.mark.wide
def test_a_name_of_spaces_umlauts_and_quotes_goes_into_the_config_whole(
    here: Path, tmp_path: Path, init
) -> None:
    folder = own_films(tmp_path / "Größe: 'neu' #1")
    init(folder, "--out", "own study.yaml")
    config = load_study(here / "own study.yaml")
    assert config.name == "grosse-neu-1" and config.data.sources[0].path == folder
    assert "spineseg run 'own study.yaml'" in (here / "own study.yaml").read_text()


@pytest.mark.wide
@pytest.mark.parametrize(
    ("layout", "write"),
    [
        (
            "COCO",
            lambda f: put(films_only(f) / "result.json", _json(coco(name=_IMAGE))),
        ),
        (
            "labelme",
            lambda f: [put(films_only(f, "{stem}.jpg") / f"{s}.json", labelme(s)) for s in _STEMS],
        ),
        (
            "Label Studio",
            lambda f: put(films_only(f, "{stem}.jpg") / "t.json", _json([task(s) for s in _STEMS])),
        ),
        ("YOLO", lay),
    ],
)
def test_labels_of_every_layout_are_seen_and_too_few_patients_are_told(
    here: Path, layout: str, write, capsys: pytest.CaptureFixture[str]
) -> None:
    from study.cli import cli

    write(here / "films")
    with pytest.raises(DataError, match=r"6 labelled films of .* more are missing"):
        cli.main(["init", "films", "--no-timing"], standalone_mode=False)
    said = capsys.readouterr().out
    assert "6 films, 6 labelled" in said
    assert f"layout       {layout}" in said
    assert not (here / "configs").exists()


_IMAGE = "images/{stem}.jpg"
_STEMS = ("a0", "a1", "a2", "a3", "b0", "b1")


def _json(content: object) -> str:
    import json

    return json.dumps(content)


@pytest.mark.wide
def test_exports_side_by_side_become_sources_of_one_study(here: Path, answer) -> None:
    own_films(here / "all" / "one")
    put(films_only(here / "all" / "two") / "result.json", _json(coco(name=_IMAGE)))
    put(here / "all" / "three" / "notes.txt", "none")
    told = answer("all")
    assert [source["layout"].split(",")[0] for source in told["found"]["sources"]] == [
        "YOLO",
        "COCO",
    ]
    assert "holds no film" in told["found"]["not_read"]["all/three"]
    assert len(load_study(here / told["config"]).data.sources) == 2


@pytest.mark.wide
def test_dicom_identifiers_tell_patients_and_stand_nowhere(here: Path, answer) -> None:
    dicom_films(here / "films")
    told = answer("films")
    config = load_study(here / told["config"])
    assert config.data.patients_from == "dicom-patient" and config.data.patient_pattern is None
    assert told["found"]["guess"]["patients"] == told["division"]["patients"] == 14
    assert "ID-" not in str(told) + (here / told["config"]).read_text()
    assert not list((here / "mlruns").rglob("*IM*"))


@pytest.mark.wide
def test_films_in_a_folder_of_each_patient_are_told_by_folders(here: Path, answer) -> None:
    own_films(here / "films", [f"p{n:02d}/{view}" for n in range(20) for view in ("AP", "LAT")])
    told = answer("films")
    assert told["found"]["guess"]["patients"] == 20
    config = load_study(here / told["config"])
    assert config.data.patients_from == "folders"
    dataset = prepare_dataset(config.data, Caches(config.store.root).data)
    assert not load_audit(dataset).leaks()
    assert len({entry.patient for entry in dataset.manifest.entries}) == 20
    assert not (here / "mlruns/work/data/patients.salt").exists()


def test_films_without_a_known_patient_are_each_their_own_and_it_is_said(here: Path, init) -> None:
    own_films(here / "films", [f"img_{n:03d}" for n in range(30)])
    said = init("films")
    assert "patients     not told" in said
    assert "if a patient has several films, name data.patient_pattern" in said
    text = (here / "configs/studies/films.yaml").read_text()
    assert "patient_pattern: null" in text and "Each film is a patient of its own" in text


@pytest.mark.wide
def test_boxes_are_taken_as_rectangles_and_counted(here: Path, answer) -> None:
    own_films(here / "films")
    put(here / "films/labels/P000_L.txt", "0 0.5 0.2 0.3 0.1\n1 0.5 0.4 0.3 0.1\n")
    told = answer("films")
    assert told["found"]["boxes"] == 2
    config = load_study(here / told["config"])
    assert config.data.boxes == "rectangle"
    prepare_dataset(config.data, Caches(config.store.root).data)


@pytest.mark.wide
def test_classes_that_are_no_level_are_left_out_by_name(here: Path, answer) -> None:
    own_films(here / "films", levels=("T10", "T11", "T12", "sacrum: 'S1'"))
    told = answer("films")
    assert told["found"]["no_levels"] == ["sacrum: 'S1'"]
    config = load_study(here / told["config"])
    dataset = prepare_dataset(config.data, Caches(config.store.root).data)
    assert set(dataset.manifest.instances("train")) == {"T10", "T11", "T12"}


def test_few_patients_make_a_study_that_says_that_nothing_can_be_promoted(here: Path, init) -> None:
    own_films(here / "films", [f"P{n:02d}_{s}" for n in range(14) for s in "LR"])
    said = init("films")
    assert "14 patients leave no sealed test part" in said and "4 more would do" in said
    assert load_study(here / "configs/studies/films.yaml").data.test_fraction == 0


@pytest.mark.wide
def test_an_unreadable_film_is_left_out_and_named(here: Path, answer) -> None:
    own_films(here / "films")
    put(here / "films/images/P003_L.png", picture(3)[:200])
    told = answer("films")
    assert list(told["found"]["problems"]) == ["P003_L.png"]
    config = load_study(here / told["config"])
    assert config.data.damaged == "drop"
    assert len(prepare_dataset(config.data, Caches(config.store.root).data).manifest.entries) == 39


@pytest.mark.parametrize("same", [True, pytest.param(False, marks=pytest.mark.wide)])
def test_a_film_that_is_there_twice_is_told_with_both_names(here: Path, init, same: bool) -> None:
    own_films(here / "films")
    shutil.copy(here / "films/images/P000_L.png", here / "films/images/P007_R.png")
    put(here / "films/labels/P007_R.txt", rows(4 if same else 3))
    said = init("films")
    labels = "the same labels" if same else "OTHER labels"
    assert f"P000_L.png and P007_R.png are one file, with {labels}; remove one" in said
    assert "P000_L.png and P007_R.png show one picture and would be of two patients" in said
    assert (
        "Of 19 patients, copies of one picture joined"
        in (here / "configs/studies/films.yaml").read_text()
    )


def test_of_many_films_some_are_read_and_that_is_said(
    here: Path, init, monkeypatch: pytest.MonkeyPatch
) -> None:
    from spineseg.starting import look, said

    monkeypatch.setattr(look, "MOST_READ", 10)
    monkeypatch.setattr(said, "_SECONDS", 0.0)
    own_films(here / "films")
    text = init("films")
    assert "40 films (10 of them read), 40 labelled" in text
    assert "reading films: 3 of 10" in text
    assert r"20, by data.patient_pattern 'P(\d+)'" in text
    assert len(BOTH_SIDES) == 40


def test_one_patient_in_all_names_makes_no_study_and_names_the_doubt(here: Path, init) -> None:
    own_films(here / "films", [f"pat7_v{number}" for number in range(1, 31)])
    with pytest.raises(DataError, match=r"30 labelled films of 1 patient:.* 11 more") as refused:
        init("films")
    assert r"They are told by 'pat(\d+)', which is not sure" in str(refused.value)
    assert not (here / "configs").exists()


def test_few_patients_of_many_films_each_are_not_taken_for_as_many_as_films(
    here: Path, init
) -> None:
    own_films(here / "films", [f"patient{p}_{v:02d}" for p in (1, 2, 3) for v in range(30)])
    with pytest.raises(DataError, match=r"90 labelled films of 3 patients:.* 9 more are missing"):
        init("films")


def test_unlabelled_patients_and_bodies_that_are_too_small_are_noted() -> None:
    divided = division(
        [Whose(Patient(0, f"{n:03d}"), f"{n:03d}", told=True) for n in range(27)],
        [],
        labelled=[n % 3 > 0 for n in range(27)],
    )
    small = sized(
        12, 6, longest_px=640, body_share=0.01, pace=assumed_pace(False), on_gpu=False, devices=1,
        hours=2,
    )  # fmt: skip
    text = division_text(divided, small, "cpu")
    assert "NOTE: 9 patients without a labelled film beside these 18" in text
    assert "bodies 3 px across their shorter side" in text
    assert "NOTE: bodies of 3.2 px are below 8 px" in text
