"""Runs named by their study, and what is offered where there is no champion."""

from __future__ import annotations

from pathlib import Path

import pytest
from exports import write_export
from registry_cases import LEARNT, fresh_store
from run_folders import make_job, write_finished

from spineseg.chosen_model import Asked, chosen_model
from spineseg.chosen_run import named_run, usable_runs
from spineseg.config.training import TrainConfig
from spineseg.errors import NoneYetError, RecordError
from spineseg.events import EVENTS_FILE

STUDIES = Path("mlruns/work/studies")


@pytest.fixture(autouse=True)
def study(tmp_path: Path) -> Path:
    """A study with two finished runs, the second the better, one that failed and one at work."""
    config = TrainConfig(image_size_px=96)
    write_finished(STUDIES / "small", make_job(numbering=LEARNT, config=config))
    better = write_finished(STUDIES / "small", make_job(number=1, name="no-flips"))
    log = better / EVENTS_FILE
    log.write_text(log.read_text().replace("0.31", "0.4"))
    write_finished(STUDIES / "small", make_job(number=2, name="broken"), end="failed")
    write_finished(STUDIES / "small", make_job(number=3, name="at-work"), end=None)
    return tmp_path


@pytest.mark.parametrize("name", ["small/baseline", "small/000-baseline", "small/0", "small/000"])
def test_a_run_is_named_by_its_study_and_numbers_as_its_job_says(name: str) -> None:
    chosen = chosen_model(Asked(run=name))
    assert chosen.path == STUDIES / "small" / "000-baseline" / "train" / "weights" / "best.pt"
    assert (chosen.image_size_px, chosen.numbering, chosen.synthetic) == (96, LEARNT, True)
    assert chosen.label == "run small/baseline" and chosen.as_json()["run"] == "small/baseline"
    assert "(run small/baseline, mlruns/work/" in chosen.text()
    assert chosen.text().endswith("; mask_map50_95 0.310")


def test_a_study_alone_means_its_best_run_and_that_is_said() -> None:
    chosen = chosen_model(Asked(run="small"))
    assert chosen.label == "run small/no-flips"
    assert chosen.text().endswith("; best of 2 finished runs, mask_map50_95 0.400")


def test_a_run_comes_from_the_store_that_is_named(study: Path) -> None:
    Path("mlruns").rename("other")
    assert chosen_model(Asked(run="small/baseline", store="other")).label == "run small/baseline"
    export = write_export(study / "export", {"train": 2, "valid": 2})
    Path("c.yaml").write_text(
        f"name: x\ndata: {{sources: [{{kind: local, path: {export}}}]}}\n"
        "baseline: {weights: random, optimizer: AdamW}\nstore: {root: other}\n"
    )
    assert chosen_model(Asked(run="small", config=Path("c.yaml"))).label == "run small/no-flips"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("small/gone", "has no run 'gone'; name one of its finished runs: baseline, no-flips"),
        ("small/broken", "has not finished 'broken'; name one of its finished runs: baseline"),
        ("small/at-work", "has not finished 'at-work'; name one"),
        ("gone/baseline", "there is no study 'gone' in mlruns; there are small"),
        ("../small", r"there is no study '\.\.'"),
        ("", "there is no study ''"),
    ],
)
def test_a_run_that_is_not_there_is_one_line_with_those_that_are(name: str, said: str) -> None:
    with pytest.raises(RecordError, match=said) as caught:
        chosen_model(Asked(run=name))
    assert "\n" not in str(caught.value)


def test_where_nothing_was_run_the_bundled_weights_are_offered(study: Path) -> None:
    with pytest.raises(RecordError, match=r"no study has been run in .*, or use --weights bundled"):
        named_run(study / "empty", "small")
    write_finished(STUDIES / "young", make_job(study="young"), end=None)
    with pytest.raises(RecordError, match="study 'young' has no finished run in mlruns; train one"):
        named_run(Path("mlruns"), "young/baseline")


@pytest.mark.parametrize("store", ["none", "without a model"])
def test_without_a_champion_what_works_is_named(empty_stores: Path, store: str) -> None:
    later = make_job(study="later", created=1_800_000_000.0)
    write_finished(STUDIES / "later", later)
    (STUDIES / "damaged" / "000-baseline").mkdir(parents=True)
    if store == "without a model":
        fresh_store(Path("mlruns"), empty_stores)
    with pytest.raises(NoneYetError, match="no champion: ") as caught:
        chosen_model(Asked())
    line = str(caught.value)
    assert "use --run later/baseline, --run small/no-flips, --weights bundled, or" in line
    assert "\n" not in line
    assert usable_runs(Path("mlruns")) == ["later/baseline", "small/no-flips"]


def test_the_champion_is_that_of_the_configs_model_name(study: Path, empty_stores: Path) -> None:
    fresh_store(Path("mlruns"), empty_stores)
    export = write_export(study / "export", {"train": 2, "valid": 2})
    Path("c.yaml").write_text(
        f"name: x\ndata: {{sources: [{{kind: local, path: {export}}}]}}\n"
        "baseline: {weights: random, optimizer: AdamW}\npromote: {model_name: mine}\n"
    )
    with pytest.raises(NoneYetError, match="has no model 'mine'"):
        chosen_model(Asked(config=Path("c.yaml")))
