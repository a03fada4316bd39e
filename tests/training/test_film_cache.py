"""Films are kept in memory where they fit, and a training ends the same where they do not."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from run_folders import make_job
from stopped_training import CONFIG, differences, write_job

from spineseg.data.merge import Dataset
from spineseg.training import film_cache
from spineseg.training.devices import CPU
from spineseg.training.launcher import Launcher
from spineseg.training.orders import Orders
from spineseg.training.weights import bundled_weights


def test_films_are_kept_in_memory_where_those_of_every_slot_fit_into_half_of_it(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    job = make_job(config=CONFIG, dataset=dataset.folder)
    needed = film_cache.films_bytes(job)
    films = dataset.manifest.count("train") + dataset.manifest.count("valid")
    assert needed == films * 3 * 64 * 64
    monkeypatch.setattr(film_cache, "free_bytes", lambda: 4 * needed)
    assert film_cache.film_cache(job, 1) == film_cache.film_cache(job, 2) == "ram"
    assert capsys.readouterr().out == ""
    assert film_cache.film_cache(job, 3) is False
    assert "in 3 trainings at a time" in capsys.readouterr().out


def test_what_a_container_allows_counts_as_its_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(film_cache, "_CGROUPS", tmp_path)
    assert film_cache.free_bytes() > 2**20
    (tmp_path / "memory").mkdir()
    for folder, limit, used, held in (
        (tmp_path, "memory.max", "memory.current", "inactive_file"),
        (
            tmp_path / "memory",
            "memory.limit_in_bytes",
            "memory.usage_in_bytes",
            "total_inactive_file",
        ),
    ):
        (folder / limit).write_text(f"{2**20}\n")
        (folder / used).write_text(f"{2**19}\n")
        (folder / "memory.stat").write_text(f"anon 5\n{held} 1024\n")
    assert film_cache.free_bytes() == 2**19 + 1024


def test_a_warning_that_is_not_true_here_stays_out_of_the_log() -> None:
    def passes(text: str) -> bool:
        record = logging.LogRecord("ultralytics", logging.WARNING, "", 0, text, None, None)
        return film_cache.without_false_warning(record)

    assert not passes("cache='ram' may produce non-deterministic training results. Consider")
    assert passes("no labels found")


@pytest.mark.wide
def test_a_training_ends_the_same_whether_its_films_are_kept_or_read_anew(
    dataset: Dataset, tmp_path: Path
) -> None:
    launcher = Launcher(tmp_path / "cache")
    for name, neighbours in (("kept", 1), ("read", 10**9)):
        write_job(tmp_path / name, dataset, CONFIG.with_(epochs=3), bundled_weights())
        launcher.start(tmp_path / name, CPU, Orders(neighbours=neighbours)).wait(600)
    assert differences(tmp_path / "kept", tmp_path / "read") == {}
    logs = [(tmp_path / name / "train.log").read_text() for name in ("kept", "read")]
    assert ["read anew" in text for text in logs] == [False, True]
    assert not any("non-deterministic" in text for text in logs)
