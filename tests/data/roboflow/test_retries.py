"""A busy server is asked again, no sooner than it says, and not for ever."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from roboflow_fetch import fetch, refused
from roboflow_server import Roboflow

from spineseg.data.roboflow import retrying

DAY_AGO = datetime.now(UTC) - timedelta(days=1)


def asked_at(service: Roboflow, start: str) -> list[float]:
    pairs = zip(service.requests, service.times, strict=True)
    return [seconds for (path, _), seconds in pairs if path.startswith(start)]


@pytest.mark.parametrize("start", ["zip", "w/p/2/yolov11", "w/p"])
@pytest.mark.parametrize("status", [429, 503])
def test_a_stumble_is_waited_out(
    tmp_path: Path, service: Roboflow, start: str, status: int
) -> None:
    service.statuses = {start: [status, status]}
    said: list[str] = []
    assert fetch(tmp_path, said=said)[0].is_dir()
    assert sum(f"busy or stumbles ({status}); trying again in" in line for line in said) == 2


@pytest.mark.parametrize("start", ["zip", "w/p/2/yolov11"])
def test_a_server_is_not_asked_for_ever(tmp_path: Path, service: Roboflow, start: str) -> None:
    service.statuses = {start: [503] * 9}
    assert "fault of its own (503)" in refused(tmp_path)
    assert len(asked_at(service, start)) == 1 + len(retrying.RETRY_SECONDS)


@pytest.mark.parametrize("start", ["zip", "w/p/2/yolov11"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Retry-After": "1"},
        {
            "Date": format_datetime(DAY_AGO, usegmt=True),
            "Retry-After": format_datetime(DAY_AGO + timedelta(seconds=1), usegmt=True),
        },
    ],
    ids=["seconds", "date by a clock that is a day slow"],
)
def test_it_is_left_alone_as_long_as_it_asks(
    tmp_path: Path, service: Roboflow, start: str, headers: dict[str, str]
) -> None:
    service.statuses, service.busy_headers = {start: [429]}, headers
    assert fetch(tmp_path)[0].is_dir()
    first, second = asked_at(service, start)[:2]
    assert second - first >= 1.0


@pytest.mark.parametrize("start", ["zip", "w/p/2/yolov11"])
@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("dated", [False, True])
def test_a_long_rest_ends_the_command_and_is_told(
    tmp_path: Path, service: Roboflow, start: str, status: int, dated: bool
) -> None:
    until = datetime.now(UTC) + timedelta(hours=1)
    asked = format_datetime(until, usegmt=True) if dated else "3600"
    service.statuses, service.busy_headers = {start: [status] * 9}, {"Retry-After": asked}
    text = refused(tmp_path)
    assert len(asked_at(service, start)) == 1
    moment = re.search(r"run again after (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)", text)
    assert moment
    told = datetime.strptime(moment[1], "%Y-%m-%d %H:%M:%S").astimezone()
    assert abs(told - until) < timedelta(minutes=2)


@pytest.mark.parametrize("asked", ["-5", "soon", "", "²", "1e9", "Mon, 99 Foo 2026 99:99:99 GMT"])
def test_a_time_that_is_none_is_passed_over(tmp_path: Path, service: Roboflow, asked: str) -> None:
    service.statuses, service.busy_headers = {"zip": [503]}, {"Retry-After": asked}
    assert fetch(tmp_path)[0].is_dir()


def test_a_rest_of_centuries_is_no_crash(tmp_path: Path, service: Roboflow) -> None:
    service.statuses, service.busy_headers = {"zip": [429]}, {"Retry-After": "9" * 400}
    assert "run again after" in refused(tmp_path)
