"""The audit: leaks stop a study, doubts are told, and the page shows both."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from exports import write_export
from merged_data import first_film, prepare
from PIL import Image, ImageDraw

from spineseg.config.data import DataConfig
from spineseg.data.audit import load_audit
from spineseg.data.augment import Pose, pose_of, posed_film, posed_outlines, posed_points
from spineseg.data.labelled import read_films
from spineseg.data.merge import prepare_dataset
from spineseg.data.merged_labels import label_path
from spineseg.errors import DataError
from spineseg.films import Outline

ROOT = Path(__file__).resolve().parents[2]
THORACOLUMBAR = ROOT.parent / "shared" / "data" / "thoracolumbar"
T = Image.Transpose


def leak(export: Path, name: str = "another.jpg") -> None:
    """Put a flipped copy of a training film into the validation part."""
    image = first_film(export)
    target = export / "valid" / "images" / name
    Image.open(image).transpose(T.FLIP_LEFT_RIGHT).save(target, quality=70)
    shutil.copy(label_path(image), label_path(target))


def test_a_leak_stops_a_study_unless_it_is_accepted_by_name(tmp_path: Path, export: Path) -> None:
    leak(export)
    audit = load_audit(prepare(tmp_path, export))
    assert "flipped left to right" in audit.leaks()["near-duplicates"][0].detail
    with pytest.raises(DataError, match=r"accept_leaks: \[near-duplicates\]"):
        audit.refuse_leaks(())
    audit.refuse_leaks(("near-duplicates",))


def test_a_split_by_patient_keeps_what_looks_alike_together(tmp_path: Path) -> None:
    folder = write_export(tmp_path / "x", {"train": 30, "valid": 2})
    for number in range(5):
        leak(folder, f"copy-{number}.jpg")
    dataset = prepare(tmp_path, folder, split="patients")
    assert load_audit(dataset).leaks() == {}
    groups = {e.group for e in dataset.manifest.entries if e.name.startswith("copy-")}
    assert len(groups) == 1
    apart = prepare(tmp_path, folder, split="patients", group_near_duplicates=False)
    assert "near-duplicates" in load_audit(apart).leaks()


def test_patients_and_radiographs_in_two_parts_are_leaks(tmp_path: Path, export: Path) -> None:
    for part, copy in (("train", "a"), ("valid", "b")):
        image = first_film(export, part)
        target = image.with_name(f"visit-77-{copy}_jpg.rf.{copy}.jpg")
        label_path(image).rename(label_path(target))
        image.rename(target)
    config = {"patient_pattern": r"visit-(\d+)"}
    assert set(load_audit(prepare(tmp_path, export, **config)).leaks()) == {"shared-patients"}
    image = first_film(export, "valid")
    target = image.with_name("visit-77-a_jpg.rf.c.jpg")
    label_path(image).rename(label_path(target))
    image.rename(target)
    leaks = load_audit(prepare(tmp_path, export, **config)).leaks()
    assert set(leaks) == {"shared-patients", "shared-radiographs"}


def test_doubts_and_mended_labels_are_told(tmp_path: Path, export: Path) -> None:
    image = first_film(export)
    label = label_path(image)
    lines = label.read_text().splitlines()
    swapped = ["1" + lines[0][1:], "0" + lines[1][1:], *lines[2:5], "0.5 oops"]
    label.write_text("\n".join([*swapped, lines[6], lines[6]]))
    label_path(first_film(export, "valid")).write_text("")
    (label.parent / "gone.txt").write_text("")
    counts = load_audit(prepare(tmp_path, export, damaged="drop")).counts()
    assert {
        "levels-out-of-order": 1,
        "level-missing": 1,
        "label-dropped": 1,
        "duplicate": 1,
        "no-labels": 1,
        "labels-without-film": 1,
    }.items() <= counts.items()


def test_a_part_without_a_view_is_told(tmp_path: Path, export: Path) -> None:
    trunk = write_export(tmp_path / "t", {"train": 5}, names=("T1", "T2"), seed=1)
    (trunk / "valid" / "images").mkdir(parents=True)
    (trunk / "valid" / "labels").mkdir()
    shutil.copy(first_film(export, "valid"), trunk / "valid" / "images" / "plain.jpg")
    (trunk / "valid" / "labels" / "plain.txt").touch()
    audit = load_audit(prepare(tmp_path, trunk, export, accept_leaks=[]))
    told = [finding.detail for finding in audit.findings if finding.kind == "unbalanced"]
    assert "valid has none of the 5 frontal films" in told


def test_data_audits_on_its_own_and_a_study_on_leaking_data_is_refused(
    tmp_path: Path, export: Path
) -> None:
    leak(export)
    study = tmp_path / "study.yaml"
    study.write_text(
        f"name: x\ndata: {{sources: [{{kind: local, path: {export}}}], split: keep}}\n"
        "baseline: {weights: random, epochs: 1}\n"
    )

    def spineseg(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "study.cli", *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)

    told = spineseg("data", str(study))
    assert told.returncode == 1 and "near-duplicates" in told.stdout and "LEAK" in told.stdout
    answer = json.loads(spineseg("data", str(study), "--json").stdout)
    page = (tmp_path / answer["page"]).read_text()
    assert "shows the picture of" in page and page.count("data:image/jpeg") == 2
    assert json.loads((tmp_path / answer["audit"]).read_text())["findings"]
    for command in ("run", "plan"):
        refused = spineseg(command, str(study))
        assert refused.returncode == 2 and "accept_leaks" in refused.stderr
        assert len(refused.stderr.strip().splitlines()) == 1
    accepted = "data.accept_leaks=[near-duplicates]"
    assert spineseg("plan", str(study), "--no-timing", "--set", accepted).returncode == 0


POSES = [
    Pose(flip_x, flip_y, turn, rotate)
    for flip_x in (False, True)
    for flip_y in (False, True)
    for turn in (0, 90, 180, 270)
    for rotate in (0.0, -12.0)
]


@pytest.mark.parametrize("pose", POSES, ids=str)
def test_outlines_go_exactly_where_the_picture_goes(pose: Pose) -> None:
    points = np.array([[0.45, 0.3], [0.6, 0.36], [0.55, 0.5], [0.4, 0.47]])
    size = (320, 480)

    def drawn(outline: np.ndarray, size: tuple[int, int]) -> Image.Image:
        big = Image.new("L", (size[0] * 4, size[1] * 4))
        ImageDraw.Draw(big).polygon([tuple(p) for p in outline * big.size], fill=255)
        return big.resize(size, Image.Resampling.BOX)

    picture = np.asarray(posed_film(drawn(points, size), pose), float)
    posed = posed_points(points, pose, size)
    own = np.asarray(drawn(posed, picture.shape[::-1]), float)
    union = np.maximum(picture, own).sum()
    assert np.minimum(picture, own).sum() / union > 0.97


def test_outlines_that_leave_the_film_are_cut_or_left_out() -> None:
    corner = Outline("T1", np.array([[0.0, 0.0], [0.03, 0.0], [0.03, 0.02], [0.0, 0.02]]))
    edge = Outline("T2", np.array([[0.4, 0.0], [0.6, 0.0], [0.6, 0.3], [0.4, 0.3]]))
    posed = posed_outlines([corner, edge], Pose(False, False, 0, 15.0), (600, 600))
    assert [outline.level for outline in posed] == ["T2"]
    assert posed[0].points.min() >= 0 and posed[0].points.max() <= 1


def test_a_films_poses_depend_on_its_bytes_and_the_seed() -> None:
    assert pose_of("a" * 64, 1, 0) == pose_of("a" * 64, 1, 0)
    assert len({pose_of("a" * 64, copy, seed) for copy in (1, 2) for seed in (0, 1)}) == 4


def test_the_originals_augmentation_touches_the_training_part_only(tmp_path: Path) -> None:
    folder = write_export(tmp_path / "x", {"train": 20})
    plain = prepare(tmp_path, folder, split="patients")
    augmented = prepare(
        tmp_path, folder, split="patients", augmentation="original", augmented_copies=3
    )
    assert augmented.fingerprint != plain.fingerprint
    assert augmented.manifest.count("valid") == plain.manifest.count("valid")
    assert augmented.manifest.count("train") == 4 * plain.manifest.count("train")
    made = [entry for entry in augmented.manifest.entries if entry.augmented]
    assert {entry.part for entry in made} == {"train"}
    assert len(read_films(augmented.folder, "train")) == augmented.manifest.count("train")
    assert load_audit(augmented).leaks() == {}


@pytest.mark.skipif(not THORACOLUMBAR.is_dir(), reason="needs the radiographs")
def test_real_films_of_one_patient_never_lie_on_two_sides(tmp_path: Path) -> None:
    def leaks(**settings: object) -> dict[str, int]:
        source = {"kind": "local", "path": str(THORACOLUMBAR)}
        config = {"sources": [source], "test_fraction": 0.15, **settings}
        dataset = prepare_dataset(
            DataConfig.model_validate(config), tmp_path, say=lambda text: None
        )
        audit = load_audit(dataset)
        assert "levels-out-of-order" not in audit.counts()
        assert audit.counts()["alike-in-one-part"] == 20  # All looked at: docs/data.md.
        return {kind: len(found) for kind, found in audit.leaks().items()}

    assert leaks(patient_pattern=r"-(\d+)-[A-Z]-AP") == {}
