"""What lies in the cache is what was downloaded, by one process, and the disk had room for it."""

from __future__ import annotations

import io
import json
import os
import signal
import zipfile
from pathlib import Path

import pytest
from roboflow_fetch import child, fetch, place_of, refused
from roboflow_server import Roboflow

from spineseg.data import checked
from spineseg.errors import DataError

CHECKED = "v2-yolov11.checked.json"


def test_an_export_is_fetched_once_and_not_read_again(
    tmp_path: Path, service: Roboflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = fetch(tmp_path)
    asked, read = len(service.requests), []
    monkeypatch.setattr(checked, "sha256_of", read.append)
    said: list[str] = []
    assert fetch(tmp_path, said=said) == first
    assert len(service.requests) == asked and read == [] and said == []


def changed_byte(folder: Path) -> None:
    path = min(folder.rglob("*.jpg"))
    times = path.stat()
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def linked_folder(folder: Path) -> None:
    (folder / "more").symlink_to(folder / "train")


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (changed_byte, r"\.jpg is changed\)"),
        (lambda folder: min(folder.rglob("*.txt")).write_text(""), r"\.txt is changed\)"),
        (lambda folder: min(folder.rglob("*.jpg")).unlink(), r"\.jpg is gone\)"),
        (lambda folder: (folder / "train" / "more.txt").touch(), r"train/more\.txt was added\)"),
        (linked_folder, r"more was added\)"),
    ],
)
def test_a_changed_export_is_noticed(tmp_path: Path, service: Roboflow, damage, words: str) -> None:
    folder, _ = fetch(tmp_path)
    damage(folder)
    for _ in range(2):  # A check that failed does not vouch for what it saw.
        with pytest.raises(DataError, match=f"is not what was downloaded .*{words}.*remove the"):
            fetch(tmp_path)


def test_files_that_were_touched_or_moved_are_read_once(tmp_path: Path, service: Roboflow) -> None:
    folder, _ = fetch(tmp_path)
    min(folder.rglob("*.jpg")).touch()
    said: list[str] = []
    fetch(tmp_path, said=said)
    fetch(tmp_path, said=said)
    assert [line.partition(" of ")[0] for line in said] == ["checked 1 files"]


@pytest.mark.parametrize("content", [None, "", "[]", "{"])
def test_without_the_last_check_all_is_read(
    tmp_path: Path, service: Roboflow, content: str | None
) -> None:
    folder, _ = fetch(tmp_path)
    checked = place_of(tmp_path) / CHECKED
    checked.unlink() if content is None else checked.write_text(content)
    said: list[str] = []
    fetch(tmp_path, said=said)
    assert said == [f"checked 19 files of {folder} against what was downloaded"]
    changed_byte(folder)
    checked.unlink()
    with pytest.raises(DataError, match="is changed"):
        fetch(tmp_path)


def test_a_cache_that_cannot_be_written_to_is_checked_all_the_same(
    tmp_path: Path, service: Roboflow
) -> None:
    folder, _ = fetch(tmp_path)
    checked = place_of(tmp_path) / CHECKED
    checked.unlink()
    checked.mkdir()
    for _ in range(2):
        said: list[str] = []
        assert fetch(tmp_path, said=said)[0] == folder
        assert "checked 19 files" in said[-1]


def test_records_of_before_and_broken_ones_are_refused(tmp_path: Path, service: Roboflow) -> None:
    fetch(tmp_path)
    record = place_of(tmp_path) / "v2-yolov11.download.json"
    facts = json.loads(record.read_text())
    sizes = {name: fact["bytes"] for name, fact in facts["files"].items()}
    record.write_text(json.dumps(facts | {"files": sizes}))
    with pytest.raises(DataError, match="recorded no checksums; remove the folder"):
        fetch(tmp_path)
    for content in ("{", "[]", '{"files": {"a": null}}', '{"files": 3}'):
        record.write_text(content)
        with pytest.raises(DataError, match=r"download\.json cannot be read; remove the folder"):
            fetch(tmp_path)
    record.unlink()
    with pytest.raises(DataError, match=r"download\.json cannot be read; remove the folder"):
        fetch(tmp_path)


def test_of_two_processes_one_downloads_and_the_other_waits(
    tmp_path: Path, service: Roboflow
) -> None:
    service.cuts = [17_000]
    holder = child(tmp_path)
    assert service.stuck.wait(60)
    waiter = child(tmp_path)
    assert waiter.stdout
    assert waiter.stdout.readline() == "another process downloads w/p v2; waiting for it\n"
    service.slow.set()
    assert "trying again" in holder.communicate(timeout=60)[0] and holder.returncode == 0
    assert waiter.communicate(timeout=60)[0] == "" and waiter.returncode == 0
    assert service.links_given == 2  # The package asks twice, for one process.


def test_who_waits_for_a_killed_process_goes_on_itself(tmp_path: Path, service: Roboflow) -> None:
    service.cuts = [17_000]
    holder = child(tmp_path)
    assert service.stuck.wait(60)
    waiter = child(tmp_path)
    assert waiter.stdout and "waiting for it" in waiter.stdout.readline()
    holder.send_signal(signal.SIGKILL)
    holder.communicate(timeout=60)
    service.slow.set()
    waiter.communicate(timeout=60)
    assert waiter.returncode == 0 and fetch(tmp_path)[0].is_dir()


def test_a_disk_that_fills_while_downloading(tmp_path: Path, service: Roboflow) -> None:
    part = place_of(tmp_path) / "v2-yolov11.zip.part"
    part.parent.mkdir(parents=True)
    part.symlink_to("/dev/full")
    assert "no room left" in refused(tmp_path)


def test_a_disk_that_fills_while_unpacking(
    tmp_path: Path, service: Roboflow, exported: bytes
) -> None:
    out = io.BytesIO(exported)
    with zipfile.ZipFile(out, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("train/labels/zeros.txt", bytes(4_000_000))
    service.exports["w/p/2"] = out.getvalue()
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))"
    process = child(tmp_path, limit)
    text = process.communicate(timeout=60)[0]
    assert process.returncode and "DataError: w/p v2: no room left under" in text
    place = place_of(tmp_path)
    assert not [path for path in place.iterdir() if path.is_dir()]
    kept = (place / "v2-yolov11.zip.part").stat().st_size
    folder, _ = fetch(tmp_path)
    assert (folder / "train" / "labels" / "zeros.txt").stat().st_size == 4_000_000
    assert service.requests[-1] == ("zip/w/p/2", f"bytes={kept}-")
