"""Count planted leaks that the audit finds, and distinct films that it takes for copies.

python benchmarks/planted_leaks.py                     # 1,000 phantoms; about 5 minutes on 2 cores
python benchmarks/planted_leaks.py DIR --pattern='-(\\d+)-[A-Z]-AP' --same=20
python benchmarks/planted_leaks.py ... --write         # also into the package, for the audit's page

Audits films as they are, then with a copy of each, made in one of the ways of film_copies.py, under
a name that tells nothing; several times, so that every way is tried on many films. Films are
distinct synthetic X-rays, or those of DIR, any layout that `spineseg data` reads. DIR's own pairs
are printed to be looked at; `--same` says how many of them do show one picture, the others are
false alarms. With a pattern, recall is told for each half of the patients as well.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
import zlib
from collections import Counter
from datetime import date
from pathlib import Path

import numpy as np
from film_copies import WAYS, Way
from PIL import Image
from scipy.cluster.hierarchy import DisjointSet

from spineseg.config.data import DataConfig
from spineseg.data.audit import load_audit
from spineseg.data.layouts import read_folder
from spineseg.data.likeness.recall import FalseAlarms, KnownRecall, Recall, write_recall
from spineseg.data.merge import prepare_dataset
from spineseg.data.merged_labels import label_path
from spineseg.data.split import patient_of
from spineseg.phantom.export import write_films
from spineseg.workers import cores

SYNTHETIC = "synthetic X-rays"
Name = str


def alike(folders: list[Path], cache: Path) -> tuple[list[tuple[Name, Name]], list[Name], float]:
    """Return the pairs of films that the audit says are alike, all films, and the seconds."""
    sources = [{"kind": "local", "path": str(folder)} for folder in folders]
    config = DataConfig.model_validate(
        {"sources": sources, "group_near_duplicates": False, "damaged": "drop"}
    )
    start = time.perf_counter()
    dataset = prepare_dataset(config, cache, say=lambda text: None)
    seconds = time.perf_counter() - start
    pairs = [
        (finding.films[0], finding.films[1])
        for finding in load_audit(dataset).findings
        if finding.kind in {"near-duplicates", "alike-in-one-part"}
    ]
    names = [entry.name for entry in dataset.manifest.entries]
    shutil.rmtree(cache)
    return pairs, names, seconds


def plant(films: list[Path], target: Path, turn: int) -> dict[Name, tuple[Path, Way]]:
    """Write a copy of each film into the flat export `target`; return each copy's film and way."""
    rng = np.random.default_rng([2, turn])
    for kind in ("images", "labels"):
        (target / kind).mkdir(parents=True)
    planted = {}
    for place, number in enumerate(rng.permutation(len(films))):
        film, way = films[number], WAYS[(place + turn * 7) % len(WAYS)]
        copy = target / "images" / f"visit-{place:05d}.jpg"
        if way.quality:
            with Image.open(film) as opened:
                changed = way.change(opened.convert("L"), rng)
            changed.save(copy, quality=way.quality)
        else:
            shutil.copy(film, copy)
        shutil.copy(label_path(film), target / "labels" / f"{copy.stem}.txt")
        planted[copy.name] = (film, way)
    return planted


def tried(
    folders: list[Path], rounds: int, pattern: str | None, scratch: Path
) -> tuple[list[tuple[str, int, bool]], list[tuple[Name, Name]], int, int]:
    """Return way, half and whether found of each copy; own pairs, wrong pairs, films."""
    films = [film.path for folder in folders for film in read_folder(folder).films]
    own, names, seconds = alike(folders, scratch / "cache")
    print(f"{len(names)} films, audited in {seconds:.1f} s: {len(own)} pairs")
    for one, other in own:
        print(f"  {one} and {other}")
    outcomes, wrong = [], 0
    for turn in range(rounds):
        target = scratch / f"copies-{turn}"
        planted = plant(films, target, turn)
        shutil.copy(next(iter(folders)) / "data.yaml", target / "data.yaml")
        pairs, names, seconds = alike([*folders, target], scratch / "cache")
        joined = DisjointSet(names)
        for one, other in own + pairs:
            joined.merge(one, other)
        picture = {copy: film.name for copy, (film, _) in planted.items()}
        same = DisjointSet({picture.get(name, name) for name in names})
        for one, other in own:
            same.merge(one, other)
        mistaken = [
            (one, other)
            for one, other in pairs
            if not same.connected(picture.get(one, one), picture.get(other, other))
        ]
        for one, other in mistaken:
            print(
                f"  wrong: {one} {other}",
                *(planted[x][1].name for x in (one, other) if x in planted),
            )
        wrong += len({picture.get(name, name) for pair in mistaken for name in pair})
        for copy, (film, way) in planted.items():
            half = zlib.crc32(patient_of(film, pattern).encode()) % 2
            outcomes.append((way.name, half, joined.connected(copy, film.name)))
        print(f"round {turn + 1}: {len(names)} films in {seconds:.1f} s", flush=True)
        shutil.rmtree(target)
    return outcomes, own, wrong, len(films)


def main() -> None:
    """Print what was found of each way, and the false alarms."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--pattern", help="Its first group is the patient.")
    parser.add_argument("--name", default=SYNTHETIC, help="What the films are called.")
    parser.add_argument("--same", type=int, default=0, help="Own pairs that show one picture.")
    parser.add_argument("--films", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--size-px", type=int, default=320)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    if options.folder and not options.folder.is_dir():
        print(f"{options.folder} is not there: nothing was measured")
        return
    with tempfile.TemporaryDirectory() as name:
        folders = (
            [options.folder]
            if options.folder
            else list(
                write_films(
                    Path(name) / "phantom",
                    seed=options.seed,
                    frontal_films=options.films // 2,
                    lateral_films=options.films - options.films // 2,
                    size_px=options.size_px,
                    difficulty=0.5,
                )
            )
        )
        outcomes, own, wrong, films = tried(folders, options.rounds, options.pattern, Path(name))
    alarms = len(own) - options.same
    print(f"{films} distinct films: {alarms} pairs taken for copies")
    print(f"{len(outcomes)} copies: {wrong} films taken for copies of others")
    planted = Counter((way, half) for way, half, _ in outcomes)
    found = Counter((way, half) for way, half, there in outcomes if there)
    rows = []
    for way in WAYS:
        counts = [(found[way.name, half], planted[way.name, half]) for half in (0, 1)]
        row = Recall(
            way=way.name,
            films=options.name,
            planted=sum(n for _, n in counts),
            found=sum(n for n, _ in counts),
            mark=way.mark,
        )
        rows.append(row)
        halves = ", ".join(f"{there}/{all_}" for there, all_ in counts if all_)
        short = "" if row.found >= way.mark * row.planted else f"  MISSES {way.mark:.0%}"
        print(f"{way.name:<34}{row.found:5} of {row.planted:4} {row.share:7.1%}  ({halves}){short}")
    if options.write:
        write_recall(
            KnownRecall(
                recalls=tuple(rows),
                alarms=(
                    FalseAlarms(
                        films=options.name,
                        distinct=films,
                        alarms=alarms,
                        same=options.same,
                        copies=len(outcomes),
                        mistaken=wrong,
                    ),
                ),
                date=date.today(),
                machine=f"{cores()} CPU cores",
            )
        )


if __name__ == "__main__":
    main()
