"""The page to try models on, as an application: a film's bytes in, outlines out, nothing kept."""

from __future__ import annotations

import base64
import logging
import re
from collections.abc import Sequence
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path
from threading import Lock
from typing import Any

from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, Response

from spineseg.decoding.decode import as_png
from spineseg.errors import SpinesegError
from spineseg.levels import ANATOMICAL_ORDER, TRANSITIONAL, colour
from spineseg.prediction.answers import decoded_film
from spineseg.serving.guard import Guard
from spineseg.serving.offered import LEAST_CONFIDENCE, Offered

MOST_BYTES = 128 * 1024**2
_PAGE = files("spineseg.serving") / "page"
_FILES = {
    "/": ("index.html", "text/html"),
    "/page.css": ("page.css", "text/css"),
    "/page.js": ("page.js", "text/javascript"),
    "/drawing.js": ("drawing.js", "text/javascript"),
}
_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,8}")
_log = logging.getLogger("spineseg")


def page_app(models: Sequence[Offered], notes: Sequence[str]) -> FastAPI:
    """Return the application. `notes` are told in sight, beside the models."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(Guard)
    alone = Lock()  # One film at a time: memory is that of one film.

    for path, (name, kind) in _FILES.items():
        app.get(path)(_file(name, kind))

    @app.get("/models")
    def offered() -> dict[str, Any]:
        levels = (*ANATOMICAL_ORDER, *TRANSITIONAL)
        return {
            "models": [model.as_json() for model in models],
            "notes": list(notes),
            "least_confidence": LEAST_CONFIDENCE,
            "most_bytes": MOST_BYTES,
            "colours": {level: "#{:02x}{:02x}{:02x}".format(*colour(level)) for level in levels},
        }

    @app.post("/films")
    async def film(request: Request, suffix: str = "") -> Response:
        """Answer a film's bytes; its name stays in the browser, but for the suffix."""
        kind = request.headers.get("content-type", "").partition(";")[0].strip()
        if kind != "application/octet-stream":
            return _refused(415, "send a film's bytes as application/octet-stream")
        content = await _content(request)
        if content is None:
            limit = f"{MOST_BYTES // 1024**2} MiB"
            return _refused(413, f"the file has more than {limit}, no film has; make it smaller")
        name = Path(f"film{suffix if _SUFFIX.fullmatch(suffix) else ''}")
        return await run_in_threadpool(_answer, models, content, name, alone)

    return app


def _answer(models: Sequence[Offered], content: bytes, name: Path, alone: Lock) -> Response:
    try:
        with alone:
            film = decoded_film(content, name)
            answers = [
                {"key": model.key, "vertebrae": model.vertebrae(film, name)} for model in models
            ]
    except SpinesegError as error:
        return _refused(422, str(error).removeprefix(f"{name}: "))
    except Exception as error:  # A film may be anything; the page lives on.
        _log.exception("a film cannot be answered")
        return _refused(500, f"this film cannot be answered ({type(error).__name__})")
    return JSONResponse(
        {
            "width": film.size[0],
            "height": film.size[1],
            "spacing": asdict(film.spacing) if film.spacing else None,
            "conversion": film.conversion,
            "picture": base64.b64encode(as_png(film.image)).decode(),
            "answers": answers,
        }
    )


async def _content(request: Request) -> bytes | None:
    """Return a request's body; None where it is longer than allowed.

    What is too long is read on, and dropped: a browser that is answered before it has sent all
    tells of a lost connection in place of the answer.
    """
    content, size = bytearray(), 0
    async for piece in request.stream():
        size += len(piece)
        if size > 4 * MOST_BYTES:
            break
        if size <= MOST_BYTES:
            content += piece
        else:
            content.clear()
    return bytes(content) if size <= MOST_BYTES else None


def _refused(status: int, reason: str) -> Response:
    return JSONResponse({"error": reason}, status)


def _file(name: str, kind: str) -> Any:
    content = (_PAGE / name).read_bytes()
    return lambda: Response(content, media_type=f"{kind}; charset=utf-8")
