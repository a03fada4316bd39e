"""Ways to name films that were written down before any rule of the guess had seen them."""

from __future__ import annotations

import random
import re
import string
from collections.abc import Callable, Iterator

from spineseg.starting.patient_guess import guessed_by_names

Named = Iterator[tuple[str, str]]
_SURNAMES = (
    *("Abe", "Berg", "Cohen", "Diaz", "Evans", "Fischer", "Garcia", "Hansen", "Ito", "Jones"),
    *("Kim", "Lopez", "Meyer", "Novak", "Okafor", "Petrov", "Quinn", "Rossi", "Smith", "Tanaka"),
)


def _films(form: str, patients: int = 30, most: int = 4) -> Callable[[random.Random], Named]:
    """Return a scheme of some films of each patient, with what the form asks for."""

    def names(rng: random.Random) -> Named:
        for patient in range(1, patients + 1):
            own = {
                "p": patient,
                "letter": string.ascii_uppercase[patient % 26],
                "year": 2015 + patient % 4,
                "serial": 1 + patient // 4,
                "sex": rng.choice(("male", "female")),
                "age": rng.randint(10, 80),
                "long": rng.randint(10_000_000, 99_999_999),
                "hex": f"{rng.getrandbits(32):08x}",
                "surname": _SURNAMES[patient % len(_SURNAMES)],
                "time": f"2015{rng.randint(1, 12):02d}{rng.randint(1, 28):02d}"
                f"{rng.randint(8, 17):02d}{rng.randint(0, 59):02d}{rng.randint(0, 59):02d}",
                "fold": patient % 5,
            }
            for film in range(1, 1 + rng.randint(1, most)):
                day = f"{rng.randint(10, 19)}-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}"
                again = "" if film == 1 else f" ({film})"
                yield form.format(v=film, day=day, again=again, **own), str(patient)

    return names


def _each(form: str, words: tuple[str, ...]) -> Callable[[random.Random], Named]:
    def names(rng: random.Random) -> Named:
        for patient in range(1, 31):
            for word in words:
                year, serial = 2015 + patient % 4, 1 + patient // 4
                yield form.format(p=patient, w=word, year=year, serial=serial), str(patient)

    return names


def _photographs(rng: random.Random) -> Named:
    number = rng.randint(100, 900)
    for _ in range(60):
        number += rng.randint(1, 4)
        yield f"DSC{number:05d}", ""


UNSEEN: dict[str, Callable[[random.Random], Named]] = {
    "CR.7.3": _films("CR.{p}.{v}"),
    "Smith_2": _films("{surname}_{v}", patients=20),
    "scol-0045-T1": _films("scol-{p:04d}-T{v}"),
    "12-05-31_0456_PA": _films("{day}_{p:04d}_PA"),
    "EOS 0456 profil": _each("EOS {p:04d} {w}", ("face", "profil")),
    "A17R": _each("A{p:02d}{w}", ("R", "L")),
    "MRN45123467-1": _films("MRN{long}-{v}"),
    "2017-0004-2": _films("{year}-{serial:04d}-{v}"),
    "K-2019-07 pre-op": _each("K-{year}-{serial:02d} {w}", ("pre-op", "post-op")),
    "brace_in_031": _each("brace_{w}_{p:03d}", ("in", "out")),
    "f7e3a91b_0": _films("{hex}_{v}"),
    "031 (2)": _films("{p:03d}{again}"),
    "male_45_0031_2": _films("{sex}_{age}_{p:04d}_{v}"),
    "20150312143055_3": _films("{time}_{v}"),
    "DSC00451": _photographs,
    "week3_031": _films("week{v}_{p:03d}"),
    "Patient A - 1": _films("Patient {letter} - {v}", patients=20),
    "fold2_case17_img3": _films("fold{fold}_case{p}_img{v}"),
}


def outcome(scheme: Callable[[random.Random], Named], seed: int) -> str:
    """Return what the guess of a scheme's names comes to: right, unsure, or wrong and sure."""
    pairs = list(scheme(random.Random(seed)))
    guess = guessed_by_names([name for name, _ in pairs])
    truth, found = {}, {}
    for place, (name, patient) in enumerate(pairs):
        match = re.search(guess.pattern, name) if guess.pattern else None
        told = match[1] if match and match[1] else f"alone {name}"
        truth.setdefault(patient or f"alone {name}", []).append(place)
        found.setdefault(told, []).append(place)
    if sorted(truth.values()) == sorted(found.values()):
        return f"right, {guess.certainty}"
    return "wrong and sure" if guess.certainty == "sure" else f"unsure, {guess.certainty}"
