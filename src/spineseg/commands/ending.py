"""How a command ends: one line and exit code 2 for what a person can mend, else a traceback."""

from __future__ import annotations

import errno
import gc
import os
import sys
import traceback
from pathlib import Path

import click

from spineseg.lasting import guard_terminal

_SELDOM = (200_000, 20, 100)
"""Python looks for garbage after so many objects more: for 700 a study of hundreds of trainings,
of records and curves that are none, is looked through a fifth of the time that `compare` takes."""


def run_to_its_end(command: click.Command) -> None:
    """Run the command line; an error that a person can mend is one line and exit code 2."""
    debug = "--debug" in sys.argv[1:]
    guard_terminal()
    gc.set_threshold(*_SELDOM)
    try:
        command(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        raise SystemExit(2) from None
    except (click.Abort, KeyboardInterrupt):
        raise SystemExit(130) from None
    except Exception as error:
        message = _mendable(error)
        if debug or message is None:
            traceback.print_exc()
        if message is not None:
            click.echo(f"spineseg: {message}", err=True)
        raise SystemExit(1 if message is None else 2) from None
    finally:
        _close_output()
        gc.freeze()  # Else Python looks through all there is once more: a second of silence.


def _mendable(error: Exception) -> str | None:
    """Return the one line for an error that a person can mend, None for a bug."""
    from spineseg.errors import SpinesegError

    if isinstance(error, SpinesegError):
        return str(error)
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return (
            f"no space left on the device of {error.filename or Path.cwd()}; free some, run again"
        )
    if isinstance(error, PermissionError):
        return f"{error.filename}: may not be written or read; change its permissions"
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {(error.strerror or 'cannot be used').lower()}; check the path"
    return None


def _close_output() -> None:
    try:
        sys.stdout.flush()
    except BrokenPipeError:  # `spineseg ... | head` has all it wanted.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
