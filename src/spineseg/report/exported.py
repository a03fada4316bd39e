"""A study as a folder for a paper: tables, figures, and a sentence for each that can be quoted."""

from __future__ import annotations

import glob
import re
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

from spineseg.code_version import code_version
from spineseg.errors import ConfigError
from spineseg.evidence.results import StudySummary
from spineseg.files import shown, staging, write_whole
from spineseg.films import SYNTHETIC
from spineseg.report.paper_figures import paper_figures
from spineseg.report.paper_tables import paper_tables
from spineseg.report.sections.hypotheses import covers
from spineseg.report.wording import RULE, count, listed
from spineseg.study_record import StudyRecord

CAPTIONS_FILE = "CAPTIONS.md"
_METHOD = "from jackknife pseudo-values, patients by trainings"
_HEAD = "# Tables and figures of study "
_LISTED = re.compile(r"^- `([^`]+)`", re.MULTILINE)


def export_study(
    study: StudyRecord, summary: StudySummary, folder: Path, *, force: bool = False
) -> list[str]:
    """Write the study's tables, figures and captions into `folder`; return the files' names.

    All of them or none. Raises ConfigError where the folder holds anything, unless `force`, and
    that is an earlier export; and for a folder that cannot be put in its place by one step.
    """
    _refuse_fixed(folder)
    folder = folder.resolve()
    _put_back(folder)
    _refuse_taken(folder, force)
    with staging(folder.parent, folder.name) as part:
        captions = _write_files(study, summary, part)
        write_whole(part / CAPTIONS_FILE, _captions_page(summary, captions))
        names = sorted(path.name for path in part.iterdir())
        _put(part, folder)
    return names


def _refuse_fixed(folder: Path) -> None:
    place = folder.resolve()
    if Path.cwd().is_relative_to(place):
        raise ConfigError(
            f"--out {shown(folder)}: is the folder that this command runs in, or one above it, "
            "which cannot be replaced; name a new folder, as paper"
        )
    if place.is_mount():
        raise ConfigError(
            f"--out {shown(folder)}: is where a disk is mounted, which cannot be replaced; name "
            f"a new folder in it, as {shown(folder / 'paper')}"
        )


def _put_back(folder: Path) -> None:
    """Put an earlier export back that a killed process had moved out of its place."""
    for old in folder.parent.glob(f".{glob.escape(folder.name)}.*.part.old"):
        process = old.suffixes[-3].removeprefix(".")
        if process.isdigit() and psutil.pid_exists(int(process)):
            continue
        if folder.exists():
            shutil.rmtree(old)
        else:
            old.replace(folder)


def _refuse_taken(folder: Path, force: bool) -> None:
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"--out {shown(folder)}: is a file; name a folder")
    there = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    if not there:
        return
    if not force:
        folders = sum((folder / name).is_dir() for name in there)
        files = count(len(there) - folders, "file") if len(there) > folders else ""
        held = " and ".join(filter(None, [files, count(folders, "folder") if folders else ""]))
        raise ConfigError(
            f"--out {shown(folder)}: holds {held} already, as {shown(there[0])}; "
            "name an empty or a new folder, or replace an earlier export with --force"
        )
    strange = [name for name in there if name not in _of_an_export(folder)]
    if strange:
        raise ConfigError(
            f"--out {shown(folder)}: holds {shown(strange[0])}, which no export wrote, so --force "
            "does not replace it; move it away, or name another folder"
        )


def _of_an_export(folder: Path) -> set[str]:
    """Return the names of the files that an earlier export wrote into a folder."""
    try:
        text = (folder / CAPTIONS_FILE).read_text()
    except (OSError, UnicodeDecodeError):
        return set()
    return {CAPTIONS_FILE, *_LISTED.findall(text)} if text.startswith(_HEAD) else set()


def _put(part: Path, folder: Path) -> None:
    """Put a whole folder in its place; an older one goes only when the new one is there."""
    if not folder.exists():
        part.replace(folder)
        return
    old = part.with_name(f"{part.name}.old")
    folder.replace(old)
    try:
        part.replace(folder)
    except BaseException:  # Ctrl-C, too: the earlier one stays.
        old.replace(folder)
        raise
    shutil.rmtree(old)


def _write_files(study: StudyRecord, summary: StudySummary, folder: Path) -> dict[str, str]:
    """Write every table and figure; return the files, several under one caption, and captions."""
    made = provenance(study, summary)
    captions: dict[str, str] = {}
    for table in paper_tables(study, summary):
        how = "" if table.name in ("hyperparameters", "seeds", "runs") else _intervals(summary)
        caption = " ".join(part for part in (table.caption, how, made) if part)
        ways = {"csv": table.csv(), "md": table.markdown(), "tex": table.latex(caption)}
        for ending, content in ways.items():
            write_whole(folder / f"{table.name}.{ending}", content)
        captions[", ".join(f"`{table.name}.{ending}`" for ending in ways)] = caption
    for figure in paper_figures(summary):
        how = _forest_intervals(summary) if figure.intervals else ""
        write_whole(folder / f"{figure.name}.svg", figure.file(_line(study, summary)))
        caption = " ".join(part for part in (figure.caption, how, made) if part)
        captions[f"`{figure.name}.svg`"] = caption
    return captions


def _line(study: StudyRecord, summary: StudySummary) -> str:
    kind = "synthetic X-rays" if summary.synthetic else "radiographs"
    return f"Study {summary.name}, {kind}, data {study.manifest.fingerprint[:12]}"


def provenance(study: StudyRecord, summary: StudySummary) -> str:
    """Return which study a table or figure is of: its data, when, and by which software."""
    films = ", ".join(f"{films} {part}" for part, films in summary.data["films"].items())
    days = sorted({time.strftime("%Y-%m-%d", time.gmtime(run.job.created)) for run in study.runs})
    when = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
    versions = sorted({run.job.code_version for run in study.runs})
    kind = SYNTHETIC if summary.synthetic else "Radiographs."
    return (
        f"Study {summary.name}, data {study.manifest.fingerprint[:12]} ({films} films). {kind} "
        f"Trained {when} with spineseg {listed(versions)}; exported "
        f"{time.strftime('%Y-%m-%d', time.gmtime())} with spineseg {code_version()}."
    )


def _intervals(summary: StudySummary) -> str:
    """Return how the intervals of confirmed finalists were made; nothing where there is none."""
    arms = summary.evidence.arms if summary.evidence else []
    if len(arms) < 2:
        return ""
    return (
        f"Intervals: 95 %, {_METHOD}. p: two-sided, of the same, after Holm's correction for "
        f"{count(len(arms) - 1, 'finalist')}. {RULE}"
    )


def _forest_intervals(summary: StudySummary) -> str:
    evidence, confirmed = summary.evidence, _intervals(summary)
    if evidence is None or not evidence.variants:
        return confirmed
    made = f"p not corrected. {covers(evidence)}"
    if confirmed:
        return f"{confirmed} Hollow ones: {made}"
    return f"Intervals: 95 %, {_METHOD}, {made} {RULE}"


def _captions_page(summary: StudySummary, captions: dict[str, str]) -> str:
    arms: Sequence[object] = summary.evidence.arms if summary.evidence else ()
    lines = [f"{_HEAD}{summary.name}\n"]
    if summary.synthetic:
        lines.append(f"**{SYNTHETIC}**\n")
    if not arms:
        lines.append("Nothing is confirmed on fresh seeds, so there is no table of it.\n")
    for files, caption in captions.items():
        for file in files.split(", "):
            lines.append(f"- {file}")
        lines.append(f"\n  {caption}\n")
    lines.append("Not a medical device: not for diagnosis, not for treatment.")
    return "\n".join(lines) + "\n"
