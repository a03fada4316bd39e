"""Labels as annotators leave them: mended where there is one way to, named where there is not."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw
from pycocotools import mask as coco_mask

from spineseg.config.data import LocalSource
from spineseg.data.doubts import doubts_of
from spineseg.data.labels import RawLabel, clean_labels
from spineseg.data.layouts import raw_labels_of, read_folder
from spineseg.errors import DataError
from spineseg.levels import THORACIC, level_named

SQUARE = [(0.2, 0.2), (0.6, 0.2), (0.6, 0.4), (0.2, 0.4)]


def clean(*rings: list[tuple[float, float]], name: str = "T1", **settings: object):
    raw = RawLabel(name, "film.txt:1", tuple(np.array(ring, dtype=float) for ring in rings))
    return clean_labels([raw], **settings)


def area(points: np.ndarray) -> float:
    x, y = points.T
    return abs(float(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1)))) / 2


@pytest.mark.parametrize(
    ("name", "level"),
    [
        ("T1", "T1"),
        (" t-01", "T1"),
        ("Th 12", "T12"),
        ("d3", None),
        ("vertebra_L5", "L5"),
        ("c07", "C7"),
        ("C8", None),
        ("T13", None),
        ("T", None),
        ("sacrum", None),
        ("S1", None),
        ("С1", "C1"),  # Cyrillic.
        ("Тh-12", "T12"),  # Cyrillic T.
        ("Τ4", "T4"),  # Greek.
        ("Ｌ５", "L5"),  # Fullwidth.
        ("T\u200b1", "T1"),
        ("C–3", "C3"),
        ("Л1", None),  # Looks like no L.
        ("Ш1", None),
        ("T00", None),
    ],
)
def test_class_names_say_their_level(name: str, level: str | None) -> None:
    assert level_named(name) == level


def test_a_refused_name_has_its_other_letters_spelt_out() -> None:
    assert clean(SQUARE, name="Л1").unmapped == ("Л1 (U+041B)",)
    assert clean(SQUARE, name="sacrum").unmapped == ("sacrum",)


def test_classes_are_mapped_and_dropped_in_the_letters_that_they_look_like() -> None:
    both = {"С9": "C1", "C9": "C2"}  # Cyrillic, and Latin.
    for name, level in (("С9", "C1"), ("C9", "C2"), ("Ｃ９", "C2")):
        assert clean(SQUARE, name=name, class_map=both).outlines[0].level == level
    assert clean(SQUARE, name="С9", class_map={"C9": "C2"}).outlines[0].level == "C2"
    dropped = clean(SQUARE, name="С1", drop_classes=("C1",))
    assert not dropped.outlines and not dropped.unmapped


def test_a_sound_outline_keeps_its_points() -> None:
    found = clean(SQUARE)
    assert not found.notes and np.array_equal(found.outlines[0].points, SQUARE)


@pytest.mark.parametrize(
    ("ring", "kind", "size"),
    [
        ([*SQUARE[:2], SQUARE[1], *SQUARE[2:]], "repeated-points", 0.08),
        ([(-0.05, 0.2), (0.6, 0.2), (0.6, 0.4), (-0.05, 0.4)], "out-of-range", 0.12),
        ([SQUARE[0], SQUARE[2], SQUARE[1], SQUARE[3]], "self-crossing", 0.08),
        ([*SQUARE, (0.19, 0.39), (0.21, 0.405)], "self-crossing", 0.08),
    ],
)
def test_what_has_one_remedy_is_mended_and_told(
    ring: list[tuple[float, float]], kind: str, size: float
) -> None:
    found = clean(ring)
    assert [note.kind for note in found.notes] == [kind]
    assert area(found.outlines[0].points) == pytest.approx(size, rel=0.03)
    assert found.outlines[0].points.min() >= 0


def test_a_ring_closed_in_writing_is_no_mistake() -> None:
    assert not clean([*SQUARE, SQUARE[0]]).notes


@pytest.mark.parametrize(
    ("rings", "words"),
    [
        ([[(0.1, 0.1), (0.5, 0.5), (0.3, 0.3)]], "encloses nothing"),
        ([[(0.1, 0.1), (0.1, 0.1), (0.1, 0.1)]], "encloses nothing"),
        ([[(10, 10), (50, 10), (50, 40)]], "are these pixels"),
        ([[(0.1, float("nan")), (0.5, 0.1), (0.5, 0.4)]], "no number"),
        ([[(0.1, 0.1), (0.5, 0.5), (0.5, 0.1), (0.1, 0.5), (0.05, 0.3)]], "crosses itself"),
        ([SQUARE, [(0.7, 0.7), (0.9, 0.7), (0.9, 0.9)]], "pieces apart"),
    ],
)
def test_what_has_no_one_remedy_is_damaged(
    rings: list[list[tuple[float, float]]], words: str
) -> None:
    found = clean(*rings)
    assert not found.outlines and found.notes[-1].kind == "damaged"
    assert words in found.notes[-1].text


def test_crumbs_beside_a_body_are_left_out() -> None:
    found = clean(SQUARE, [(0.7, 0.7), (0.71, 0.7), (0.71, 0.71)])
    assert [note.kind for note in found.notes] == ["pieces"]
    assert area(found.outlines[0].points) == pytest.approx(0.08)


def test_one_outline_twice_is_kept_once_and_another_body_of_its_level_stays() -> None:
    shift = [(x, y + 0.3) for x, y in SQUARE]
    raw = [RawLabel("T1", f"f:{i}", (np.array(r),)) for i, r in enumerate([SQUARE, SQUARE, shift])]
    found = clean_labels(raw)
    assert len(found.outlines) == 2 and [note.kind for note in found.notes] == ["duplicate"]


def test_boxes_are_refused_or_become_rectangles() -> None:
    box = RawLabel("T1", "f:1", (np.array(SQUARE),), is_box=True)
    assert clean_labels([box]).notes[0].kind == "damaged"
    taken = clean_labels([box], boxes="rectangle")
    assert taken.notes[0].kind == "box" and len(taken.outlines) == 1


def column(levels: list[str]) -> np.ndarray:
    """Boxes of bodies one below the other, (labels, 4) px."""
    top = np.arange(len(levels)) * 30.0
    return np.stack([100 + 10 * np.sin(top / 60), top, 150 + 10 * np.sin(top / 60), top + 25], 1)


def doubts(levels: list[str], boxes: np.ndarray) -> dict[str, tuple[int, ...]]:
    return {doubt.kind: doubt.labels for doubt in doubts_of(levels, boxes)}


T = list(THORACIC)


@pytest.mark.parametrize("turned", [False, True])
def test_a_column_in_order_raises_no_doubt_however_it_is_turned(turned: bool) -> None:
    boxes = column(T)
    if turned:
        boxes = 400 - boxes[:, [3, 2, 1, 0]]
    assert doubts(T, boxes) == {}


def test_levels_that_change_places_are_out_of_order() -> None:
    swapped = [*T[:4], T[5], T[4], *T[6:]]
    assert set(doubts(swapped, column(T))["levels-out-of-order"]) & {4, 5}


def test_gaps_doubles_and_shared_bodies_are_named() -> None:
    gap = [level for level in T if level != "T6"]
    assert doubts(gap, column(gap))["level-missing"] == (4, 5)
    double = [*T[:5], "T5", *T[6:]]
    assert doubts(double, column(T))["level-twice"] == (4, 5)
    both = np.vstack([column(T), column(T)[3:4] + 1])
    assert doubts([*T, "L1"], both)["two-levels-one-body"] == (3, 12)


def test_an_outline_beside_the_column_is_a_stray() -> None:
    boxes = column(T)
    boxes[5, [0, 2]] += 120
    assert doubts(T, boxes)["outside-column"] == (5,)


def write_coco(folder: Path, layout: str, annotations: list[dict[str, object]]) -> Path:
    """Write one film of 80 x 60 px and its COCO file as some tool lays them."""
    image, file, name = {
        "roboflow": ("train/a.jpg", "train/_annotations.coco.json", "a.jpg"),
        "coco": ("train2017/a.jpg", "annotations/instances_train2017.json", "a.jpg"),
        "cvat": ("images/a.jpg", "annotations/instances_default.json", "a.jpg"),
        "label-studio": ("images/a.jpg", "result.json", "images\\a.jpg"),
        "foreign": ("images/a.jpg", "result.json", "/home/someone/films/a.jpg"),
    }[layout]
    for path in (image, file):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (80, 60)).save(folder / image)
    content = {
        "images": [{"id": 7, "file_name": name, "width": 80, "height": 60}],
        "categories": [{"id": 0, "name": "vertebrae"}, {"id": 3, "name": "T4"}],
        "annotations": [{"image_id": 7, "category_id": 3, **a} for a in annotations],
    }
    (folder / file).write_text(json.dumps(content))
    return folder


POLYGON = {"id": 1, "segmentation": [[8, 6, 40, 6, 40, 30, 8, 30]], "bbox": [8, 6, 32, 24]}


@pytest.mark.parametrize("layout", ["roboflow", "coco", "cvat", "label-studio", "foreign"])
def test_coco_is_read_as_each_tool_lays_it(tmp_path: Path, layout: str) -> None:
    source = read_folder(write_coco(tmp_path, layout, [POLYGON]))
    film = source.films[0]
    assert film.part == ("train" if layout in {"roboflow", "coco"} else None)
    found = clean_labels(raw_labels_of(film))
    assert found.outlines[0].level == "T4" and not found.unmapped
    assert found.outlines[0].points.tolist() == [[0.1, 0.1], [0.5, 0.1], [0.5, 0.5], [0.1, 0.5]]


@pytest.mark.parametrize("compressed", [False, True])
def test_a_run_length_mask_is_traced_along_its_pixels(tmp_path: Path, compressed: bool) -> None:
    mask = Image.new("1", (80, 60))
    ImageDraw.Draw(mask).polygon([(10, 10), (60, 14), (50, 44), (12, 40)], fill=1)
    pixels = np.asfortranarray(mask, dtype=np.uint8)
    code = coco_mask.encode(pixels)
    if compressed:
        shape = {"size": [60, 80], "counts": code["counts"].decode()}
    else:
        runs = np.diff(np.flatnonzero(np.diff(pixels.ravel("F"), prepend=2, append=2)))
        shape = {"size": [60, 80], "counts": [int(run) for run in runs]}
    source = read_folder(write_coco(tmp_path, "cvat", [{"id": 1, "segmentation": shape}]))
    found = clean_labels(raw_labels_of(source.films[0]))
    assert not found.notes
    drawn = Image.new("1", (800, 600))
    points = [tuple(p) for p in found.outlines[0].points * [800, 600]]
    ImageDraw.Draw(drawn).polygon(points, fill=1)
    again = np.asarray(drawn)[5::10, 5::10]
    union = (again | pixels.astype(bool)).sum()
    assert (again & pixels.astype(bool)).sum() / union > 0.98
    assert area(found.outlines[0].points) * 80 * 60 == pytest.approx(pixels.sum(), rel=0.01)


@pytest.mark.parametrize(
    ("annotation", "words"),
    [
        ({"segmentation": [[1, 2, 3, 4]]}, "4 coordinates"),
        ({"segmentation": [["a"] * 6]}, "cannot be read"),
        ({"segmentation": {"size": [6, 8], "counts": [48]}}, "its mask is 8x6"),
        ({"segmentation": {"size": [60, 80], "counts": [1, 2]}}, "do not fill"),
        ({"segmentation": {"size": [60, 80], "counts": [4800]}}, "empty"),
        ({"segmentation": {"size": [60, 80]}}, "lacks 'counts'"),
        ({"segmentation": []}, "lacks 'bbox'"),
        ({"segmentation": [], "bbox": [1, 2, 3, 4]}, "is a box"),
        ({"category_id": 99, "segmentation": [[1, 2, 30, 2, 30, 40]]}, "category"),
    ],
)
def test_a_damaged_annotation_is_named(
    tmp_path: Path, annotation: dict[str, object], words: str
) -> None:
    source = read_folder(write_coco(tmp_path, "cvat", [{"id": 5, **annotation}]))
    note = clean_labels(raw_labels_of(source.films[0])).notes[0]
    assert note.kind == "damaged" and "annotation 5" in note.where and words in note.text


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "cannot be read as JSON"),
        ("[]", "has no annotations, categories, images"),
        ('{"images": [], "annotations": [], "categories": []}', "name no image"),
        ('{"images": [{}], "annotations": [], "categories": []}', "no COCO instance"),
        ('{"images": 3, "annotations": [], "categories": []}', "no COCO instance"),
        (
            '{"images": [{"id": 1, "file_name": "gone.jpg", "width": 9, "height": 9}], '
            '"annotations": [], "categories": []}',
            "is not there",
        ),
        (
            '{"images": [{"id": 1, "file_name": "../../etc/passwd", "width": 9, "height": 9}], '
            '"annotations": [], "categories": []}',
            "no image file",
        ),
        ('{"images": [], "annotations": [{"image_id": 3}], "categories": []}', "no image of"),
    ],
)
def test_a_damaged_coco_file_is_one_line(tmp_path: Path, content: str, words: str) -> None:
    (tmp_path / "result.json").write_text(content)
    with pytest.raises(DataError, match=words) as caught:
        read_folder(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_class_map_leads_to_levels_only() -> None:
    with pytest.raises(ValueError, match="must map to one of"):
        LocalSource.model_validate({"kind": "local", "path": "x", "class_map": {"a": "S1"}})


def test_bodies_in_one_place_are_named_and_stop_nothing() -> None:
    found = doubts_of(("T1", "T2", "T3"), np.array([[0.0, 0.0, 10.0, 10.0]] * 3))
    assert {doubt.kind for doubt in found} >= {"two-levels-one-body"}
