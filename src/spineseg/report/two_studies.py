"""Two studies compared, as a person reads it in a terminal."""

from __future__ import annotations

from textwrap import fill

from spineseg.evidence.effects import Effect
from spineseg.evidence.two_studies import Agreement, Pair, Side, TwoStudies
from spineseg.films import SYNTHETIC
from spineseg.report.grid import as_columns
from spineseg.report.wording import (
    RULE,
    count,
    difference_text,
    interval_text,
    label,
    p_text,
    value_text,
)

_WIDTH = 100
_HEADINGS = {"baselines": "The baselines", "best": "The best of each"}
_NO_CLAIM = "no claim"


def two_studies_text(found: TwoStudies) -> str:
    """Return what agrees, each pair with its table and its answer, and what differs."""
    one, other = found.studies
    parts = [f"study {one} and study {other}", _synthetic(found), _agreement(found)]
    parts.append(_standing(found))
    for pair in found.pairs:
        parts += [_pair_text(pair, found)]
    if found.left_out:
        parts.append(f"The best are not compared: {found.left_out}.")
    parts.append(_differences(found))
    parts.append(
        fill(
            "Configurations were picked by their scores on these validation films, in each study; "
            f"the sealed test parts were not looked at. {RULE} p is corrected for "
            f"{count(len(found.pairs), 'comparison')} (Holm).",
            _WIDTH,
        )
    )
    return "\n\n".join(part for part in parts if part)


def _synthetic(found: TwoStudies) -> str:
    named = [name for name, made in zip(found.studies, found.synthetic, strict=True) if made]
    if len(named) == 1:
        return f"{SYNTHETIC} Only {named[0]} holds any."
    return SYNTHETIC if named else ""


def _agreement(found: TwoStudies) -> str:
    said: Agreement = found.agreement
    prints = [fingerprint[:12] for fingerprint in said.fingerprints]
    if said.whole:
        text = (
            f"The same data ({prints[0]}): paired over all {count(said.films, 'validation film')}"
        )
    else:
        shares = " and ".join(
            f"{said.films} of {total} of {name} ({said.films / total:.0%})"
            for name, total in zip(found.studies, said.validation, strict=True)
        )
        text = (
            f"Other data ({prints[0]} and {prints[1]}); of the validation films, {shares} agree in "
            "content and labels: paired over these"
        )
    text += f", of {count(said.patients, 'patient')}."
    if said.relabelled:
        text += f" {count(said.relabelled, 'film')} of both with other labels left out."
    return fill(text, _WIDTH)


def _standing(found: TwoStudies) -> str:
    """Return a line for each study that is not finished, or in which trainings failed."""
    lines = []
    for name, said in zip(found.studies, found.standing, strict=True):
        failed = f"{count(said.failed, 'training')} failed" if said.failed else ""
        if not said.finished:
            far = f"{said.ended} of {said.expected} trainings have ended"
            failed = f" ({failed})" if failed else ""
            lines.append(f"{name} is not finished: {far}{failed}, and what it shows may change.")
        elif failed:
            lines.append(f"Of the {said.expected} trainings of {name}, {said.failed} failed.")
    return "\n".join(lines)


def _pair_text(pair: Pair, found: TwoStudies) -> str:
    one, other = found.studies
    head = ["", one, other, "difference", "95 % interval", "p (Holm)", f"{other} is"]
    rows = [_row(effect, pair) for effect in pair.effects]
    return "\n".join(
        [
            _HEADINGS[pair.what],
            *(f"  {_side(side)}" for side in pair.sides),
            "",
            *(f"  {line}" for line in as_columns([head, *rows])),
            "",
            fill(answer(pair, found), _WIDTH),
        ]
    )


def _side(side: Side) -> str:
    trained = f"{count(side.trainings, 'training')}"
    chosen = f", best of {count(side.finalists, 'finalist')}" if side.finalists else ""
    changed = f": {side.changes}" if side.changes else ""
    return f"{side.study}: {side.arm}{changed} ({trained}{chosen})"


def _row(effect: Effect, pair: Pair) -> list[str]:
    return [
        label(effect.metric),
        value_text(effect.metric, effect.baseline),
        value_text(effect.metric, effect.challenger),
        difference_text(effect.metric, effect.difference),
        interval_text(effect),
        p_text(effect.p_corrected),
        effect.verdict if pair.confirmed else _NO_CLAIM,
    ]


def answer(pair: Pair, found: TwoStudies) -> str:
    """Return a pair's answer in the objective, in words, and what its intervals cover."""
    one, other = pair.sides
    effect = next(e for e in pair.effects if e.metric == found.objective)
    figures = (
        f"{label(effect.metric)} {effect.challenger:.3f} against {effect.baseline:.3f}, "
        f"{difference_text(effect.metric, effect.difference)} (95 % interval "
        f"{interval_text(effect)}; p {p_text(effect.p_corrected)})"
    )
    who = f"{other.arm} of {other.study}", f"{one.arm} of {one.study}"
    words = {
        "better": f"Yes, {who[0]} is better than {who[1]}",
        "worse": f"No, {who[0]} is worse than {who[1]}",
        "not told apart": f"{who[0]} and {who[1]} are not told apart",
    }[effect.verdict]
    if not pair.confirmed:
        words = f"Not confirmed, so no claim: {who[0]} beside {who[1]}"
    return f"{words}: {figures}. The intervals are {pair.covers}."


def _differences(found: TwoStudies) -> str:
    one, other = found.studies
    if not found.differences:
        alike = f"{one} and {other} were asked for alike"
        whole = all(said.finished and not said.failed for said in found.standing)
        return f"{alike}: they differ by chance alone." if whole else f"{alike}."
    lines = [f"What {one} was asked for, against {other}:"]
    for topic, said in found.differences.items():
        first, *rest = said
        lines += [f"  {topic + ':':<14}{first}", *(f"  {'':<14}{line}" for line in rest)]
    return "\n".join(lines)
