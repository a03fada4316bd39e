"""A downloaded zip that is truncated, hostile or no export is not used, and is fetched anew."""

from __future__ import annotations

import io
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from roboflow_fetch import fetch, refused
from roboflow_server import Roboflow, zipped

CONFIGS = Path(__file__).resolve().parents[3] / "configs"


def hostile(name: str, mode: int = stat.S_IFREG | 0o644) -> Callable[[bytes], bytes]:
    def add(content: bytes) -> bytes:
        out = io.BytesIO(content)
        with zipfile.ZipFile(out, "a") as archive:
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            archive.writestr(info, "/etc/passwd")
        return out.getvalue()

    return add


def bomb(_: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("train/images/a.jpg", bytes(40_000_000))
    return out.getvalue()


def packed(compression: int) -> Callable[[bytes], bytes]:
    """Pack one file another way, and spoil it in the middle."""

    def pack(_: bytes) -> bytes:
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", compression) as archive:
            archive.writestr("train/images/a.jpg", bytes(range(256)) * 40)
        content = bytearray(out.getvalue())
        content[60:200] = bytes(140)
        return bytes(content)

    return pack


def no_utf8(content: bytes) -> bytes:
    """Name a file in bytes that are no UTF-8, though it is said that they are."""
    return hostile("é.txt")(content).replace("é.txt".encode(), b"\xff\xff.txt")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda content: content[: len(content) // 2], "truncated or damaged"),
        (lambda content: b"", "truncated or damaged"),
        (lambda content: b"PK<html></html>", "truncated or damaged"),
        (lambda content: content[:900] + bytes(400) + content[1300:], "truncated or damaged"),
        (hostile("../../evil.txt"), "leads out of its folder"),
        (hostile("/tmp/evil.txt"), "leads out of its folder"),
        (hostile("..\\..\\evil.txt"), "leads out of its folder"),
        (hostile("C:\\evil.txt"), "leads out of its folder"),
        (hostile("train/images/link.jpg", stat.S_IFLNK | 0o777), "leads out of its folder"),
        (hostile("data.yaml/x"), "holds"),
        (hostile(f"{'long' * 90}.txt"), "name too long"),
        (no_utf8, "truncated or damaged"),
        (packed(zipfile.ZIP_LZMA), "damaged"),
        (packed(zipfile.ZIP_BZIP2), "damaged"),
        (packed(zipfile.ZIP_STORED), "Bad CRC-32"),
        (bomb, "no dataset"),
        (lambda content: zipped(CONFIGS), "no data.yaml"),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_zip_that_cannot_be_trusted_is_not_used(
    tmp_path: Path,
    service: Roboflow,
    exported: bytes,
    spoil: Callable[[bytes], bytes],
    words: str,
) -> None:
    service.exports["w/p/2"] = spoil(exported)
    assert words in refused(tmp_path)
    assert not list(tmp_path.rglob("evil*")) and not Path("/tmp/evil.txt").exists()
    service.exports["w/p/2"] = exported
    assert fetch(tmp_path)[0].is_dir()
