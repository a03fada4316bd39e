"""Who may ask the page's server: nobody by another name, nobody from another page."""

from __future__ import annotations

import pytest
from starlette.datastructures import Headers

from spineseg.serving.guard import refusal

HERE = "127.0.0.1:5002"


@pytest.mark.parametrize("host", [HERE, "localhost:5002", "[::1]:5002", "localhost", "LOCALHOST:1"])
def test_this_machine_is_let_in(host: str) -> None:
    assert refusal(Headers({"host": host})) is None
    assert refusal(Headers({"host": host, "origin": f"http://{host}"})) is None


@pytest.mark.parametrize(
    "host",
    ["", "evil.example", "evil.example:5002", "127.0.0.1.evil.example", "10.0.0.7:5002", "[", "a@b",
     "127.0.0.1@evil.example", "evil.example#@127.0.0.1", "0.0.0.0:5002",
     "evil@127.0.0.1", "evil:1@127.0.0.1:5002", "127.0.0.1/x", "127.0.0.1#x", "127.0.0.1:"],
)  # fmt: skip
def test_another_name_for_this_machine_is_refused(host: str) -> None:
    assert "open it as http://127.0.0.1" in str(refusal(Headers({"host": host})))


def test_no_host_and_two_hosts_are_refused() -> None:
    assert refusal(Headers({})) is not None
    assert refusal(Headers(raw=[(b"host", HERE.encode()), (b"host", b"evil.example")])) is not None


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "null", "", "https://127.0.0.1:5002", "http://127.0.0.1:8000",
     "http://127.0.0.1:5002.evil.example", "http://localhost:5002"],
)  # fmt: skip
def test_another_origin_is_refused(origin: str) -> None:
    said = refusal(Headers({"host": HERE, "origin": origin}))
    assert said == "another page may not send films here"


def test_what_the_browser_says_of_the_asking_page_counts() -> None:
    def site(value: str, **more: str) -> str | None:
        return refusal(Headers({"host": HERE, "sec-fetch-site": value, **more}))

    assert site("same-origin") is None and site("none") is None
    assert site("cross-site") is not None and site("same-site") is not None
    assert site("cross-site", **{"sec-fetch-mode": "navigate"}) is None  # A link to the page.
    assert site("cross-site", **{"sec-fetch-mode": "navigate", "origin": "null"}) is not None
