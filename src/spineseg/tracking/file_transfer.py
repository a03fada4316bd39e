"""Files on their way to and from an MLflow server: bounded by their size, and by progress.

A request for words is answered in a second, so a few seconds without an answer mean that a server
is away. The answer to a file comes when all of it is where it is kept: behind a slow line, a proxy
that takes it whole before it passes it on, or a store of the server's own, that is much later.
"""

from __future__ import annotations

import io
import posixpath
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from mlflow.environment_variables import MLFLOW_HTTP_REQUEST_TIMEOUT
from mlflow.exceptions import _UnsupportedMultipartUploadException
from mlflow.store.artifact.artifact_repo import verify_artifact_path
from mlflow.store.artifact.artifact_repository_registry import _artifact_repository_registry
from mlflow.store.artifact.http_artifact_repo import HttpArtifactRepository
from mlflow.store.artifact.mlflow_artifacts_repo import MlflowArtifactsRepository
from mlflow.utils.mime_type_utils import _guess_mime_type
from mlflow.utils.rest_utils import augmented_raise_for_status, http_request

SLOWEST_BYTES_PER_SECOND = 100_000  # A line of 1 Mbit/s: 5 MB of weights have a minute.
_FETCH_SECONDS = 120.0  # A server may fetch a file whole, of whatever size, before it sends any.
_PIECE_BYTES = 2**20
_moved: ContextVar[Callable[[], None] | None] = ContextVar("moved", default=None)


@contextmanager
def telling_of_progress(moved: Callable[[], None]) -> Iterator[None]:
    """Have `moved` called, in this thread, with each piece of a file that a server takes."""
    token = _moved.set(moved)
    try:
        yield
    finally:
        _moved.reset(token)


class _Sent(io.FileIO):
    """A file that says with each piece that is read of it that the one before was taken."""

    def read(self, size: int | None = -1, /) -> bytes:
        if moved := _moved.get():
            moved()
        return super().read(-1 if size is None else size) or b""


class _Patient(HttpArtifactRepository):
    """Artifacts over HTTP, with limits that hang on a file's size.

    Each piece of a file has MLFLOW_HTTP_REQUEST_TIMEOUT to be taken, and the answer that follows
    the last one as long as the whole file takes on a slow line.
    """

    def log_artifact(self, local_file: str, artifact_path: str | None = None) -> None:
        """Put a file among the artifacts. Raises MlflowException, or an error of HTTP."""
        verify_artifact_path(artifact_path)
        if self._should_multipart_upload(local_file):
            try:
                self._try_multipart_upload(local_file, artifact_path)
                return
            except _UnsupportedMultipartUploadException:
                pass  # In one piece, as any other.
        name = Path(local_file).name
        endpoint = posixpath.join("/", *filter(None, (artifact_path, name)))
        a_piece = MLFLOW_HTTP_REQUEST_TIMEOUT.get()
        whole = a_piece + Path(local_file).stat().st_size / SLOWEST_BYTES_PER_SECOND
        with _Sent(local_file) as file:
            answer = http_request(
                self._host_creds,
                endpoint,
                "PUT",
                data=file,
                extra_headers={"Content-Type": _guess_mime_type(name)},
                timeout=(a_piece, whole),
            )
        augmented_raise_for_status(answer)

    def _download_file(self, remote_file_path: str, local_path: str) -> None:
        a_piece = MLFLOW_HTTP_REQUEST_TIMEOUT.get()
        answer = http_request(
            self._host_creds,
            posixpath.join("/", remote_file_path),
            "GET",
            stream=True,
            timeout=(a_piece, max(a_piece, _FETCH_SECONDS)),
        )
        augmented_raise_for_status(answer)
        with Path(local_path).open("wb") as file:
            for piece in answer.iter_content(_PIECE_BYTES):
                file.write(piece)


class _PatientOfServer(MlflowArtifactsRepository, _Patient):
    """The same, of what a server keeps for its clients."""


def be_patient_with_files() -> None:
    """Let all files of this process go to and from servers within these limits."""
    for scheme in ("http", "https"):
        _artifact_repository_registry.register(scheme, _Patient)
    _artifact_repository_registry.register("mlflow-artifacts", _PatientOfServer)
