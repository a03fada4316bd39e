"""Who may ask the page's server: this machine's own browser, from the page itself.

A server on loopback is within reach of every page that the browser shows: by a request across
origins, or by a name that is made to point here (DNS rebinding). Both are refused.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from fastapi.datastructures import Headers
from fastapi.responses import JSONResponse

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]

_HOST = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?", re.IGNORECASE | re.ASCII)
_ALWAYS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",  # Nor does the browser keep a film.
}
_GUARDS = [(name.lower().encode(), value.encode()) for name, value in _ALWAYS.items()]


class Guard:
    """Refuses requests for another host or from another origin; guards every answer."""

    def __init__(self, app: Application) -> None:
        self._app = app

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *_GUARDS]
            await send(message)

        reason = refusal(Headers(scope=scope)) if scope["type"] == "http" else None
        if reason is None:
            await self._app(scope, receive, guarded)
        else:
            await JSONResponse({"error": reason}, 403)(scope, receive, guarded)


def refusal(headers: Headers) -> str | None:
    """Return why a request is refused, None where it is not."""
    hosts = headers.getlist("host")
    if len(hosts) != 1 or not _HOST.fullmatch(hosts[0]):
        return "this page is for this machine: open it as http://127.0.0.1 with its port"
    origin, site = headers.get("origin"), headers.get("sec-fetch-site")
    if origin is not None and origin != f"http://{hosts[0]}":
        return "another page may not send films here"
    # A link from another page may show this one, and no more.
    is_link = headers.get("sec-fetch-mode") == "navigate" and origin is None
    if site not in (None, "same-origin", "none") and not is_link:
        return "another page may not ask here"
    return None
