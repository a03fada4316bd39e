"""Which films stand for all runs of a study, and where their pictures lie."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from spineseg.data.manifest import Manifest, ManifestEntry, ManifestSource
from spineseg.film_pictures import picture_file, picture_names, pictures_of, shown_films
from spineseg.films import Part
from spineseg.training.pictures import is_drawn

FRONTAL, LATERAL = ("T1", "T2", "L1"), ("C2", "C3")


def entry(
    name: str,
    *,
    patient: str | None = None,
    source: int = 0,
    part: Part = "valid",
    levels: tuple[str, ...] = FRONTAL,
    augmented: bool = False,
) -> ManifestEntry:
    return ManifestEntry(
        name=name,
        part=part,
        source=source,
        patient=patient or name,
        group=f"{source}:{patient or name}",
        film_sha256="f",
        labels_sha256="l",
        film_bytes=1,
        labels_bytes=1,
        levels=levels,
        content_sha256=name[0] * 64,
        augmented=augmented,
    )


def manifest(entries: Sequence[ManifestEntry]) -> Manifest:
    return Manifest(
        fingerprint="f",
        synthetic=True,
        sources=(ManifestSource(name="a", kind="local"), ManifestSource(name="b", kind="local")),
        entries=tuple(entries),
    )


def names(entries: Sequence[ManifestEntry]) -> list[str]:
    return [film.name for film in shown_films(manifest(entries))]


def test_every_source_and_view_is_shown_and_no_patient_twice() -> None:
    entries = [
        entry("a.png", part="train"),
        entry("b.png", augmented=True),
        entry("c.png", patient="P"),
        entry("d.png", patient="P"),
        entry("e.png", levels=LATERAL),
        entry("f.png", source=1),
        entry("g.png"),
    ]
    assert names(entries) == ["c.png", "e.png", "f.png", "g.png"]
    assert names(entries[::-1]) == names(entries)  # By the data, not by their order.
    assert names([entry(f"{c}.png") for c in "abcdefgh"]) == ["a.png", "b.png", "c.png", "d.png"]
    assert names([entry("a.png", patient="P"), entry("b.png", patient="P")]) == ["a.png"]
    assert names([entry("a.png", part="train")]) == []


def test_a_film_is_called_by_plain_letters_unlike_all_others() -> None:
    films = [entry(name) for name in ("x-1_png.rf.0a1b.jpg", "y+ö~#%2.png", "z b.jpg", "z+b.png")]
    assert picture_names(films) == ["x-1", "y-2", "z-b-3", "z-b-4"]


def test_pictures_are_found_again_and_other_files_are_passed_over(tmp_path: Path) -> None:
    for step in (4, 0, 1):
        path = picture_file(tmp_path, "a", step)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"webp")
    for other in ("notes.webp", "epoch-x.webp", "epoch-0001.png", ".best.webp.7.part"):
        (tmp_path / "films" / "a" / other).write_bytes(b"other")
    assert [(p.film, p.step, p.path.name) for p in pictures_of(tmp_path)] == [
        ("a", 0, "best.webp"),
        ("a", 1, "epoch-0001.webp"),
        ("a", 4, "epoch-0004.webp"),
    ]
    assert pictures_of(tmp_path / "none") == []


def test_few_epochs_are_drawn_most_of_them_early() -> None:
    assert [e for e in range(1, 251) if is_drawn(e, 250)] == [1, 2, 4, 8, 16, 32, 64]
    assert [e for e in range(1, 4) if is_drawn(e, 3)] == [1]
    assert is_drawn(1, 1)
