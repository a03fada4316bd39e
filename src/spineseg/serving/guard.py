"""Who may ask the page's server: this machine's own browser, from the page itself.

A server on loopback is within reach of every page that the browser shows: by a request across
origins, or by a name that is made to point here (DNS rebinding). Both are refused.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_HOSTS = {"127.0.0.1", "localhost", "::1"}
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


class Guard:
    """Refuses requests for another host or from another origin; guards every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_ALWAYS)
            await send(message)

        reason = refusal(Headers(scope=scope)) if scope["type"] == "http" else None
        if reason is None:
            await self._app(scope, receive, guarded)
        else:
            await JSONResponse({"error": reason}, 403)(scope, receive, guarded)


def refusal(headers: Headers) -> str | None:
    """Return why a request is refused, None where it is not."""
    hosts = headers.getlist("host")
    if len(hosts) != 1 or _name(hosts[0]) not in _HOSTS:
        return "this page is for this machine: open it as http://127.0.0.1 with its port"
    origin, site = headers.get("origin"), headers.get("sec-fetch-site")
    if origin is not None and origin != f"http://{hosts[0]}":
        return "another page may not send films here"
    if site not in (None, "same-origin", "none"):
        # A link from another page may show this one, and no more.
        if headers.get("sec-fetch-mode") != "navigate" or headers.get("origin") is not None:
            return "another page may not ask here"
    return None


def _name(host: str) -> str | None:
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None
