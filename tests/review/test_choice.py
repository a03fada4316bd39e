"""Which films are looked at: planted errors are, the worst first, and the same sample each time."""

from __future__ import annotations

from pathlib import Path

import pytest
from exports import write_export
from merged_data import prepare
from reviewed import relabelled

from spineseg.data.audit import Finding, load_audit
from spineseg.data.manifest import Dataset
from spineseg.data.merged_labels import label_path
from spineseg.levels import CERVICAL
from spineseg.review.choice import WORST_FIRST, chosen_films, rank
from spineseg.review.folder import write_review


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Dataset, dict[str, str]]:
    """Return a dataset with a kind of error on each of four films, and film -> kind."""
    folder = tmp_path_factory.mktemp("planted")
    export = write_export(folder / "x", {"train": 12, "valid": 4, "test": 2})
    films = sorted((export / "train" / "images").iterdir())
    relabelled(films[0], {"C5": None}, CERVICAL)
    relabelled(films[1], {"C3": "C4", "C4": "C3"}, CERVICAL)
    relabelled(films[2], {"C6": "C5"}, CERVICAL)
    label_path(films[3]).write_text("")
    kinds = ["level-missing", "levels-out-of-order", "level-twice", "no-labels"]
    errors = {film.name: kind for film, kind in zip(films, kinds, strict=False)}
    return prepare(folder, export), errors


def test_planted_errors_are_doubtful_and_the_worst_come_first(
    planted: tuple[Dataset, dict[str, str]],
) -> None:
    dataset, errors = planted
    choice = chosen_films(dataset, load_audit(dataset).findings, 5)
    assert [errors[film.name] for film in choice.doubtful] == sorted(errors.values(), key=rank)
    for film in choice.doubtful:
        assert film.text.startswith(f"{errors[film.name]}: ") and film.path.is_file()
    assert all(film.marked for film in choice.doubtful if errors[film.name] != "no-labels")


def test_the_sample_of_the_sound_is_the_same_each_time(
    planted: tuple[Dataset, dict[str, str]],
) -> None:
    dataset, errors = planted
    findings = load_audit(dataset).findings
    first, again = (chosen_films(dataset, findings, 5) for _ in range(2))
    names = [film.name for film in first.sound]
    assert first.sound == again.sound and len(names) == 5 and not set(names) & set(errors)
    assert (first.all_sound, first.all_films, first.whole) == (14, 18, False)
    everything = chosen_films(dataset, findings, 1000)
    assert everything.whole and everything.related == 0


def test_films_of_several_findings_come_before_milder_ones(
    planted: tuple[Dataset, dict[str, str]],
) -> None:
    dataset, _ = planted
    a, b, c, d = sorted(entry.name for entry in dataset.manifest.entries)[:4]

    def finding(kind: str, film: str, *labels: int, severity: str = "doubt") -> Finding:
        return Finding.model_validate(
            {"kind": kind, "severity": severity, "films": [film], "detail": "x", "labels": labels}
        )

    choice = chosen_films(
        dataset,
        [
            finding("brand-new", a, 1),
            finding("outside-column", b, 1),
            finding("outside-column", c, 1, 2),
            finding("label-dropped", d, severity="mended"),
            finding("column-shifted", b, 1, 2, 3),
            finding("self-crossing", sorted(e.name for e in dataset.manifest.entries)[4],
                    severity="mended"),
            finding("film-dropped", "gone.jpg"),
            finding("patient-unknown", sorted(e.name for e in dataset.manifest.entries)[5]),
        ],
        0,
    )  # fmt: skip
    assert [film.name for film in choice.doubtful] == [b, c, d, a]
    assert choice.doubtful[0].text == "column-shifted: x; outside-column: x"
    assert choice.doubtful[0].marked == (1, 2, 3) and rank("brand-new") == len(WORST_FIRST)


def test_films_of_the_same_patients_that_are_left_out_are_counted(tmp_path: Path) -> None:
    export = write_export(tmp_path / "x", {"train": 6, "valid": 1})
    for number, film in enumerate(sorted((export / "train" / "images").iterdir())):
        new = film.with_name(f"p{number // 3}-{number}.jpg")
        label_path(film).rename(label_path(new))
        film.rename(new)
    relabelled(export / "train" / "images" / "p0-1.jpg", {"C5": None}, CERVICAL)
    dataset = prepare(tmp_path, export, patient_pattern=r"p(\d)-")
    choice = chosen_films(dataset, load_audit(dataset).findings, 0)
    assert [film.name for film in choice.doubtful] == ["p0-1.jpg"] and choice.related == 2
    review = write_review(
        dataset, load_audit(dataset), tmp_path / "r", sound=0, columns=None, say=lambda text: None
    )
    assert "not here     2 films of the same patients" in review.text()
    assert (
        "   2 films of the same patients are not here"
        in (tmp_path / "r" / "README.txt").read_text()
    )


def test_augmented_copies_are_not_looked_at(tmp_path: Path) -> None:
    export = write_export(tmp_path / "x", {"train": 12})
    dataset = prepare(tmp_path, export, split="patients", augmentation="original")
    choice = chosen_films(dataset, load_audit(dataset).findings, 1000)
    assert choice.all_films == 12 and choice.whole
