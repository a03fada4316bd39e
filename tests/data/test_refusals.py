"""What is damaged ends in one line with its place and remedy, or is left out when asked."""

import shutil
from pathlib import Path

import pytest
from laid_out import picture, put
from merged_data import first_film, prepare
from pydantic import ValidationError

from spineseg.config.data import DataConfig
from spineseg.data.audit import load_audit
from spineseg.data.merge import prepare_dataset
from spineseg.data.merged_labels import label_path
from spineseg.decoding.decode import read_film
from spineseg.errors import DataError, UnlabelledError


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("0 0.1 0.1 0.2 0.1 0.2", ["box with confidence"]),
        ("0 0.1 0.1 0.2 0.1 0.2 0.2 0.9", ["coordinates", "even number"]),
        ("0 0.1 0.1 0.2 0.1", ["box, not an outline"]),
        ("7 0.1 0.1 0.2 0.1 0.2 0.2", ["class 7 is out of range", "0..6"]),
        ("-1 0.1 0.1 0.2 0.1 0.2 0.2", ["class -1"]),
        ("0 0.1 0.1 5.0 0.1 0.2 0.2", ["coordinate 5", "outside the film"]),
        ("0 0.1 0.1 nan 0.1 0.2 0.2", ["no number"]),
        ("0 0.1 a b 0.1 0.2 0.2", ["something else than numbers"]),
    ],
)
def test_a_damaged_label_names_file_line_and_rule(
    tmp_path: Path, export: Path, line: str, words: list[str]
) -> None:
    label = label_path(first_film(export))
    label.write_text(label.read_text() + line + "\n")
    with pytest.raises(DataError) as caught:
        prepare(tmp_path, export)
    for word in [f"{label.name}:8", *words]:
        assert word in str(caught.value)
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_refusal_of_boxes_names_the_key_that_accepts_them(tmp_path: Path, export: Path) -> None:
    label = label_path(first_film(export))
    label.write_text("0 0.5 0.5 0.2 0.1\n")
    with pytest.raises(DataError, match=r"is a box.* set data\.boxes: rectangle, which"):
        prepare(tmp_path, export)
    label_path(first_film(export, "valid")).write_text("0 0.5 0.5 0.2 0.1\n")
    with pytest.raises(DataError, match=r"1 more, listed in .* data\.boxes: rectangle"):
        prepare(tmp_path, export)
    assert prepare(tmp_path, export, boxes="rectangle").manifest.count("train") == 6


def test_films_without_any_labels_are_counted_and_told_as_such(tmp_path: Path) -> None:
    put(tmp_path / "films" / "a.png", picture("a0", ".png"))
    with pytest.raises(UnlabelledError, match=r"holds 1 picture and no labels; outline") as caught:
        prepare(tmp_path, tmp_path / "films")
    assert caught.value.films == 1 and "data.yaml" not in str(caught.value)


def test_what_is_no_image_is_told_where_ultralytics_is_loaded_too(tmp_path: Path) -> None:
    import ultralytics.utils.patches  # noqa: F401  It puts another Image.open in place.

    path = tmp_path / "film.jpg"
    path.write_bytes(b"no image")
    with pytest.raises(DataError, match=r"film\.jpg: is no image that can be read"):
        read_film(path)


@pytest.mark.parametrize("content", [b"", b"no image", None])
def test_an_image_that_is_none_stops_the_merge_and_leaves_nothing(
    tmp_path: Path, export: Path, content: bytes | None
) -> None:
    image = first_film(export, "valid")
    image.write_bytes(image.read_bytes()[:400] if content is None else content)
    with pytest.raises(DataError, match=r"no image that can be read|is empty"):
        prepare(tmp_path, export)
    assert list((tmp_path / "cache").iterdir()) == []


def spoil_classes(export: Path) -> None:
    text = (export / "data.yaml").read_text()
    (export / "data.yaml").write_text(text.replace("- C3", "- femur"))


def empty_valid(export: Path) -> None:
    shutil.rmtree(export / "valid" / "images")
    (export / "valid" / "images").mkdir()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda e: shutil.rmtree(e), "no such folder"),
        (lambda e: (e / "data.yaml").unlink(), "not found"),
        (lambda e: (e / "data.yaml").write_text("names: ["), "cannot be read as YAML"),
        (lambda e: (e / "data.yaml").write_text("nc: 3"), "no list `names`"),
        (lambda e: (e / "data.yaml").write_text("names: [C1, c1]"), "out of range"),
        (spoil_classes, "femur"),
        (empty_valid, "is empty"),
    ],
)
def test_a_damaged_export_is_one_line(
    tmp_path: Path, export: Path, spoil: object, words: str
) -> None:
    spoil(export)  # type: ignore[operator]
    with pytest.raises(DataError, match=words) as caught:
        prepare(tmp_path, export)
    assert "\n" not in str(caught.value)


def test_a_pattern_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="patient_pattern"):
        DataConfig.model_validate(
            {"sources": [{"kind": "local", "path": str(tmp_path)}], "patient_pattern": "("}
        )


def test_what_nothing_can_mend_is_listed_or_dropped(tmp_path: Path, export: Path) -> None:
    first_film(export).write_bytes(b"")
    label = label_path(first_film(export, "valid"))
    label.write_text(label.read_text() + "0 0.1 0.1 9 0.1 0.2 0.2\n")
    with pytest.raises(DataError, match=r"1 more, listed in .*refused\.txt"):
        prepare(tmp_path, export)
    assert len((tmp_path / "cache" / "refused.txt").read_text().splitlines()) == 2
    dataset = prepare(tmp_path, export, damaged="drop")
    assert dataset.manifest.count("train") == 5
    counts = load_audit(dataset).counts()
    assert counts["film-dropped"] == 1 and counts["label-dropped"] == 1


def test_classes_are_mapped_and_dropped_as_the_config_says(tmp_path: Path, export: Path) -> None:
    names = "names: [Atlas, c-02, C3, C4, C5, C6, sacrum]"
    (export / "data.yaml").write_text(names)
    with pytest.raises(DataError, match=r"Atlas, sacrum.*class_map.*drop_classes"):
        prepare(tmp_path, export)
    source = {"kind": "local", "path": str(export)}
    rules = {"class_map": {"Atlas": "C1"}, "drop_classes": ["sacrum"]}
    config = DataConfig.model_validate({"sources": [source | rules], "split": "keep"})
    dataset = prepare_dataset(config, tmp_path / "cache", say=lambda text: None)
    assert set(dataset.manifest.instances("train")) == {"C1", "C2", "C3", "C4", "C5", "C6"}
