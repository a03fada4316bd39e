"""Names of films as people give them, made up, with whose each film is."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Iterator
from typing import NamedTuple

Named = Iterator[tuple[str, str]]
"""A film's name without suffix, and its patient; empty where the name does not say it."""


class Scheme(NamedTuple):
    """A way to name films, and what is to be made of it."""

    names: Callable[[random.Random], Named]
    certainty: str
    pattern: str | None = None


def _visits(form: str, patients: int = 30, most: int = 4, least: int = 1) -> Callable[..., Named]:
    def names(rng: random.Random) -> Named:
        for patient in range(1, patients + 1):
            for visit in range(1, 1 + rng.randint(least, most)):
                yield (
                    form.format(p=patient, v=visit, c="ABCDEFGH"[visit - 1], rng=rng),
                    str(patient),
                )

    return names


def _views(form: str, views: tuple[str, ...], patients: int = 30) -> Callable[..., Named]:
    def names(rng: random.Random) -> Named:
        for patient in range(1, patients + 1):
            mark = uuid.UUID(int=rng.getrandbits(128))
            for view in views:
                yield form.format(p=patient, v=view, mark=mark), str(patient)

    return names


def _dated(form: str) -> Callable[..., Named]:
    def names(rng: random.Random) -> Named:
        for patient in range(120, 160):
            for visit in range(rng.randint(1, 4)):
                month = rng.choice(("Jan", "Jul", "Nov"))
                date = f"{rng.randint(1, 28):02d}-{month}-{rng.choice((2016, 2017))}"
                day = f"20{rng.randint(10, 20)}{rng.randint(1, 12):02d}{rng.randint(1, 28):02d}"
                yield form.format(p=patient, c="ABCD"[visit], date=date, day=day), str(patient)

    return names


def _alone(form: str, count: int = 60) -> Callable[..., Named]:
    def names(rng: random.Random) -> Named:
        for number in range(count):
            mark = uuid.UUID(int=rng.getrandbits(128))
            day = f"2021{rng.randint(1, 12):02d}{rng.randint(1, 28):02d}"
            yield form.format(n=number, mark=mark, code=mark.hex, day=day), ""

    return names


def _grid(form: str, patients: int, films: int) -> Callable[..., Named]:
    """Each patient's films bear the same numbers."""

    def names(rng: random.Random) -> Named:
        for patient in range(1, patients + 1):
            for film in range(1, films + 1):
                yield form.format(p=patient, v=film), str(patient)

    return names


def _two_words(rng: random.Random) -> Named:
    for one in ("ada", "ben", "cyd", "dov", "eve", "fay"):
        for other in ("red", "blue", "green", "white", "black", "grey"):
            yield f"{one}_{other}", ""


def _aged(rng: random.Random) -> Named:
    """Two visits a year apart, with the age at each in the name."""
    for patient in range(1, 31):
        age, sex = rng.randint(18, 80), rng.choice("FM")
        for years in (0, 1):
            yield f"{patient:03d}_{sex}{age + years}_AP", str(patient)


def _short_dated(form: str) -> Callable[..., Named]:
    def names(rng: random.Random) -> Named:
        for patient in range(1001, 1041):
            for visit in range(rng.randint(1, 3)):
                day, month, year = rng.randint(1, 28), rng.randint(1, 12), rng.randint(8, 20)
                yield form.format(p=patient, c="ABC"[visit], d=day, m=month, y=year), str(patient)

    return names


def _two_sites(rng: random.Random) -> Named:
    """Numbers that two hospitals give anew: the larger groups are safe, and not sure."""
    for site in "AB":
        for patient in range(20):
            for view in ("AP", "LAT"):
                yield f"{site}{patient:03d}_{view}", str(patient)


def _hospital(rng: random.Random) -> Named:
    for number in range(60):
        yield f"site{number // 20}_img{number}", ""


def _some_unnamed(rng: random.Random) -> Named:
    yield from _visits("case {p} ({v})", most=2, least=2)(rng)
    yield from ((f"unknown{'abc'[n]}", "") for n in range(3))


SCHEMES: dict[str, Scheme] = {
    "patient012_visit2": Scheme(_visits("patient{p:03d}_visit{v}"), "sure", r"patient(\d+)"),
    "P003_L": Scheme(_views("P{p:03d}_{v}", ("L", "R")), "sure", r"P(\d+)"),
    "012a": Scheme(_visits("{p:03d}{c}"), "sure", r"^(\d+)"),
    "sub-01_ses-02": Scheme(_visits("sub-{p:02d}_ses-{v:02d}_cr"), "sure"),
    "1th-02-Jan-2017-162-A-AP": Scheme(
        _dated("hosp-1th-{date}-{p}-{c}-AP"), "sure", r"-(\d+)-[A-Z]-"
    ),
    "number and day": Scheme(_dated("{p:04d}_{day}_{c}"), "sure", r"^(\d+)"),
    "day first": Scheme(_dated("{day}-{p:04d}-{c}"), "sure"),
    "view first": Scheme(_views("{v}_{p:03d}", ("ap", "lat")), "sure", r"_(\d+)"),
    "uuid and view": Scheme(_views("{mark}_{v}", ("AP", "LAT")), "sure"),
    "umlauts and spaces": Scheme(_visits("Größe {p} Ansicht {v}"), "sure"),
    "patient and film number": Scheme(
        lambda rng: (
            (f"{p:04d}_{rng.randint(10_000, 99_999)}", str(p))
            for p in range(40)
            for _ in range(rng.randint(1, 4))
        ),
        "likely",
        r"^(\d+)",
    ),
    "two hospitals": Scheme(_two_sites, "likely"),
    "some without": Scheme(_some_unnamed, "sure"),
    "img_001": Scheme(_alone("img_{n:03d}"), "none"),
    "IMG_20210304_0012": Scheme(_alone("IMG_{day}_{n:04d}"), "none"),
    "uuid": Scheme(_alone("{mark}"), "none"),
    "hash": Scheme(_alone("{code}"), "none"),
    "number alone": Scheme(_alone("{n}"), "none"),
    "two words": Scheme(_two_words, "none"),
    "one_other": Scheme(_grid("{p}_{v}", 6, 6), "likely", r"^(\d+)"),
    "patient1_01, 30 each": Scheme(_grid("patient{p}_{v:02d}", 3, 30), "sure", r"patient(\d+)"),
    "subj1_pose01, 30 each": Scheme(_grid("subj{p}_pose{v:02d}", 5, 30), "sure", r"subj(\d+)"),
    "vol1_pose01, 30 each": Scheme(_grid("vol{p}_pose{v:02d}", 5, 30), "sure", r"vol(\d+)"),
    "S01_F000, 40 each": Scheme(_grid("S{p:02d}_F{v:03d}", 12, 40), "likely", r"S(\d+)"),
    "01_000, 30 each": Scheme(_grid("{p:02d}_{v:03d}", 8, 30), "likely", r"^(\d+)"),
    "01_000, 40 each": Scheme(_grid("{p:02d}_{v:03d}", 2, 40), "likely", r"^(\d+)"),
    "01_000, 16 each": Scheme(_grid("{p:02d}_{v:03d}", 10, 16), "likely", r"^(\d+)"),
    "05102013_1001_A": Scheme(_short_dated("{d:02d}{m:02d}20{y:02d}_{p}_{c}"), "sure", r"_(\d+)"),
    "10052013_1001_A": Scheme(_short_dated("{m:02d}{d:02d}20{y:02d}_{p}_{c}"), "sure", r"_(\d+)"),
    "200907_1001_A": Scheme(_short_dated("{y:02d}{m:02d}{d:02d}_{p}_{c}"), "sure", r"_(\d+)"),
    "1001_070920_A": Scheme(_short_dated("{p}_{d:02d}{m:02d}{y:02d}_{c}"), "sure", r"^(\d+)"),
    "1001_09022014_1": Scheme(_short_dated("{p}_{d:02d}{m:02d}20{y:02d}_1"), "sure", r"^(\d+)"),
    "001_F32_AP": Scheme(_aged, "likely", r"^(\d+)"),
    "pat7_v1": Scheme(
        lambda rng: ((f"pat7_v{v}", "7") for v in range(1, 31)), "likely", r"pat(\d+)"
    ),
    "hospital and number": Scheme(_hospital, "none"),
}


def named_films(scheme: Scheme, seed: int = 0) -> tuple[list[str], list[str]]:
    """Return the names of a scheme's films, and the patient of each."""
    pairs = list(scheme.names(random.Random(seed)))
    return [name for name, _ in pairs], [patient for _, patient in pairs]
