"""The only door to the roboflow package: one version of one project into a folder."""

from __future__ import annotations

import contextlib
import io
import shutil
from pathlib import Path

from ..config import RoboflowSource
from ..errors import DataError


def download(source: RoboflowSource, key: str, cache: Path) -> Path:
    """Return the folder of the downloaded export; it appears whole or not at all.

    Raises DataError with the key blotted out where the service refuses or cannot be reached.
    """
    import roboflow

    cache.mkdir(parents=True, exist_ok=True)
    part = cache / f".roboflow-{source.workspace}-{source.project}.part"
    shutil.rmtree(part, ignore_errors=True)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            project = roboflow.Roboflow(api_key=key).workspace(source.workspace)
            project = project.project(source.project)
            number = source.version or max(
                int(str(version.version).rsplit("/", 1)[-1]) for version in project.versions()
            )
            project.version(number).download("yolov11", location=str(part), overwrite=True)
    except Exception as error:  # The package raises bare RuntimeError and requests' own errors.
        shutil.rmtree(part, ignore_errors=True)
        reason = str(error).replace(key, "***").splitlines()[0][:200] if str(error) else ""
        raise DataError(
            f"{source.workspace}/{source.project}: Roboflow did not give it "
            f"({type(error).__name__}: {reason}); check the names, the version and the key"
        ) from None
    folder = cache / f"roboflow-{source.workspace}-{source.project}-v{number}"
    part.replace(folder)
    return folder
