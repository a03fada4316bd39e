"""What failures of a study say together: the same one again and again, or the baseline's."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable

from spineseg.called import pasted
from spineseg.config.recorded import by_name, reference
from spineseg.config.study import StudyConfig
from spineseg.events import Failed
from spineseg.job import Job
from spineseg.remedies import REMEDIES
from spineseg.runs import Run
from spineseg.standing import standing

TIMES = 3
"""So often the same failure is no chance: what follows would fail of it, too."""
_TELLING = ("bug", "bad_data")  # What else fails, a search may well try.
_MOST_NAMED = 6
_MOST_MESSAGE = 300
_OWN = re.compile(r'File "[^"]*\b(?:spineseg|study)/[^"]*", line')
_VARYING = (
    (re.compile(r"0x[0-9a-fA-F]+"), "ADDRESS"),
    (re.compile(r"(?:\b[A-Za-z]:)?[\w.+@~-]*(?:[\\/][\w.+@-]+)+"), "PATH"),
    (re.compile(r"\b(?=[0-9a-fA-F]*\d)[0-9a-fA-F]{8,}\b"), "HEX"),
    (re.compile(r"\d+(?:[.,]\d+)*(?:e[-+]?\d+)?"), "N"),
)


def alike(failed: Failed) -> str:
    """Return a failure's kind and message without what differs from run to run.

    Numbers, paths, hexadecimal digits and addresses of objects.
    """
    text = " ".join(failed.message.split())
    for varying, word in _VARYING:
        text = varying.sub(word, text)
    return f"{failed.kind}: {text}"


def repeated(last: Run, runs: Iterable[Run], config: StudyConfig) -> str | None:
    """Return, in lines, what failed in the same way `TIMES` times and what to do; None: nothing.

    `last` has just failed, `runs` are all on record: a driver that is killed in between begins no
    new count. What was asked for again counts no more. Of one that a person goes on with although
    it was stopped so, `TIMES` more are needed.
    """
    if last.failed is None or last.failed.kind not in _TELLING:
        return None
    before = [r for r in standing(runs) if r.failed and not r.asked_again and r.name != last.name]
    same = [r for r in before if r.failed and alike(r.failed) == alike(last.failed)]
    if (len(same) + 1) % TIMES:
        return None
    names = [run.folder.name for run in [*same, last]]
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    head = (
        f"study {config.name!r} is stopped: {len(names)} trainings failed in the same way, and so "
        "would the rest"
    )
    where = f"{', '.join(names[:_MOST_NAMED])}{more}"
    return _lines(head, last.job, last.failed, where, by_name("retry --all", config), config)


def of_baseline(job: Job, failed: Failed, config: StudyConfig) -> str:
    """Return, in lines, that a study's baseline failed, why, and what to do."""
    head = (
        f"study {config.name!r} is stopped: its baseline failed, and without it nothing can be "
        "compared"
    )
    name, *elsewhere = reference(config)
    retry = pasted(shlex.join(["retry", f"{name}/{job.name}", *elsewhere]))
    return _lines(head, job, failed, job.folder_name, retry, config)


def _lines(head: str, job: Job, failed: Failed, where: str, retry: str, config: StudyConfig) -> str:
    message = " ".join(failed.message.split()) or "no message"
    if len(message) > _MOST_MESSAGE:
        message = f"{message[: _MOST_MESSAGE - 3]}..."
    told = [f"{failed.kind}: {message}", f"in: {where}", *own_frame(failed.traceback)]
    remedy = REMEDIES[failed.kind].replace("`train.log`", f"`{job.folder_name}/train.log`")
    if failed.kind == "bad_data":
        remedy = f"mend what the message names; `{by_name('data', config)}` audits the films"
    told.append(f"{remedy}; then `{retry}` and `{by_name('run', config)}`")
    return "\n  ".join([head, *told])


def own_frame(traceback: str) -> list[str]:
    """Return the last lines of a traceback that are this project's, and its very last; or none."""
    lines = [line for line in traceback.rstrip().splitlines() if line.strip()]
    places = [place for place, line in enumerate(lines) if _OWN.search(line)]
    if not places:
        return lines[-1:]
    frame = lines[places[-1] : places[-1] + 2]
    return [line.strip() if n == 0 else f"  {line.strip()}" for n, line in enumerate(frame)] + (
        lines[-1:] if lines[-1] not in frame else []
    )
