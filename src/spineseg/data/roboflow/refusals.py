"""What goes wrong in a download, told in one line with its remedy; no text holds key or address."""

from __future__ import annotations

import contextlib
import errno
import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import requests

from spineseg.data.roboflow.api import FORMAT, NoExport, StillMade
from spineseg.data.roboflow.key import GET_KEY
from spineseg.data.roboflow.retrying import Broken, Refused
from spineseg.data.roboflow.transfer import NoZip, StorageRefused
from spineseg.errors import DataError
from spineseg.files import shown

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_KEPT = "what is downloaded is kept"
_BETWEEN = "is a proxy or a login page between?"


@contextlib.contextmanager
def told_apart(name: str, place: Path) -> Iterator[None]:
    """Turn what the service, the network, the package and the disk raise into DataError.

    `name`: workspace/project, `place`: the folder that is written to.
    """
    page = f"https://universe.roboflow.com/{name}"
    try:
        with _addresses_unlogged():
            yield
    except Refused as error:
        raise DataError(f"{name}: Roboflow {_remedy(error, page)}") from None
    except StorageRefused as error:
        raise DataError(
            f"{name}: Roboflow's storage refuses the export ({error.status}), at a fresh address "
            f"too; run again later, or download it by hand at {page}"
        ) from None
    except NoZip as error:
        raise DataError(
            f"{name}: what came is no zip ({shown(str(error))[:80]}); {_BETWEEN} Run again: {_KEPT}"
        ) from None
    except StillMade:
        raise DataError(
            f"{name}: Roboflow is still making the export; run again in some minutes"
        ) from None
    except NoExport as error:
        raise DataError(
            f"{name}: Roboflow offers no {FORMAT} export of it ({error}); look at {page}, choose "
            "another version, or download it by hand"
        ) from None
    except Broken as error:
        raise DataError(f"{name}: {error}; check the network and run again: {_KEPT}") from None
    except requests.RequestException as error:
        raise DataError(f"{name}: {_request_failed(error)}") from None
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise DataError(
            f"{name}: no room left under {place} ({str(error.strerror).lower()}); make room and "
            f"run again: {_KEPT}"
        ) from None


def _request_failed(error: requests.RequestException) -> str:
    if isinstance(error, requests.exceptions.JSONDecodeError):
        return f"Roboflow's answer cannot be read; {_BETWEEN} Try again"
    if isinstance(error, requests.TooManyRedirects):
        return f"Roboflow's address leads in circles; {_BETWEEN} Try again"
    if isinstance(error, requests.exceptions.ProxyError | requests.exceptions.InvalidProxyURL):
        return "the proxy cannot be reached or refuses; compare HTTPS_PROXY and HTTP_PROXY"
    if isinstance(error, requests.exceptions.SSLError):
        return (
            "the certificate of Roboflow's server is not trusted; where a proxy stands between, "
            "set REQUESTS_CA_BUNDLE to its certificate"
        )
    return f"the request failed ({type(error).__name__}); run again"


def _remedy(error: Refused, page: str) -> str:
    status = error.status
    when = _when(error.wait_seconds)
    if status == 401:
        return f"does not know the key (401); {GET_KEY}"
    if status == 403:
        return (
            "refuses this key the project (403); use a key of a workspace that may read it, or "
            f"fork it at {page}"
        )
    if status == 404:
        return f"has no such workspace, project or version (404); compare with {page}"
    if status == 407:
        return "is behind a proxy that wants a password (407); set it in HTTPS_PROXY"
    if status == 429:
        return f"has had too many requests (429); run again {when or 'in some minutes'}: {_KEPT}"
    if status >= 500:
        later = when or "later"
        return (
            f"has a fault of its own ({status}); run again {later} (https://status.roboflow.com): "
            f"{_KEPT}"
        )
    return f"refused ({status}); compare the source with {page}"


def _when(seconds: float | None) -> str:
    """Return the moment that a server named, as the user's clock shows it."""
    if not seconds:
        return ""
    moment = datetime.now().astimezone() + timedelta(seconds=seconds)
    return f"after {moment:%Y-%m-%d %H:%M:%S}, as it asks"


@contextlib.contextmanager
def _addresses_unlogged() -> Iterator[None]:
    """Keep urllib3 from logging addresses, for these hold the key; it does so at any oddity."""
    log = logging.getLogger("urllib3")
    level = log.level
    log.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        log.setLevel(level)
