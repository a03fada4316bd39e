"""What the baseline prompts waits for it; all else goes on meanwhile."""

from __future__ import annotations

from pathlib import Path

import pytest
from run_folders import make_job, write_finished

from spineseg.config.study import ConfirmConfig, StudyConfig
from spineseg.runs import Run, read_runs
from spineseg.trials import prompted_by
from study.trial_queue import next_trial

SAM = {"model": "sam-small", "image_size_px": 64}
PHANTOMS = {"kind": "phantom", "seed": 1, "frontal_films": 4, "lateral_films": 4}


def study(variants: list[dict], search: dict) -> StudyConfig:
    return StudyConfig.model_validate(
        {
            "name": "small",
            "data": {"sources": [PHANTOMS]},
            "baseline": {"weights": "random", "optimizer": "AdamW", "lr0": 0.01, "epochs": 3},
            "variants": variants,
            "search": search,
            "confirm": None,
        }
    )


def begun(name: str, number: int) -> Run:
    job = make_job(name=name, number=number)
    return Run(Path(job.folder_name), job, ())


def test_a_variant_waits_for_the_baseline_that_prompts_it_and_others_do_not(
    tmp_path: Path,
) -> None:
    variants = [
        {"name": "outlined", "hypothesis": "h", "changes": SAM},
        {"name": "no-flips", "hypothesis": "h", "changes": {"fliplr": 0.0}},
        {"name": "elsewhere", "hypothesis": "h", "changes": SAM | {"prompts": "bundled"}},
    ]
    config = study(variants, {"trials": 0})
    under_way = [begun("baseline", 0)]
    order = []
    while (spec := next_trial(config, under_way, [])) is not None:
        order.append(spec.name)
        under_way.append(begun(spec.name, len(under_way)))
    assert order == ["no-flips", "elsewhere"]
    write_finished(tmp_path / "small", make_job())
    ended = [*read_runs(tmp_path / "small"), *under_way[1:]]
    spec = next_trial(config, ended, [])
    assert spec is not None and spec.name == "outlined"


def test_on_a_fresh_seed_it_is_the_baseline_of_that_seed_that_prompts(tmp_path: Path) -> None:
    variants = [{"name": "outlined", "hypothesis": "h", "changes": SAM}]
    asked = study(variants, {"trials": 0})
    config = asked.model_copy(update={"confirm": ConfirmConfig(top=1, seeds=2)})
    folder = tmp_path / "small"
    write_finished(folder, make_job())
    training = asked.baseline.with_(**SAM)
    write_finished(folder, make_job(name="outlined", number=1, config=training, changes=SAM))
    order = []
    while (spec := next_trial(config, read_runs(folder), [])) is not None:
        order.append((spec.name, prompted_by(config, spec)))
        again = make_job(kind="confirm", name=spec.name, arm=spec.arm, number=len(order) + 1)
        if spec.name != "baseline-seed-2":
            write_finished(folder, again)
        else:
            again.write(folder / again.folder_name)
    # The second seed's SAM waits for the baseline on that seed, which is under way.
    assert order == [
        ("baseline-seed-1", None),
        ("outlined-seed-1", "baseline-seed-1"),
        ("baseline-seed-2", None),
    ]


@pytest.mark.parametrize("prompts", ["baseline", "bundled"])
def test_a_searched_trial_waits_for_the_baseline_that_prompts_it(
    tmp_path: Path, prompts: str
) -> None:
    fixed = SAM | {"prompts": prompts}
    space = {"lr0": {"low": 0.001, "high": 0.01}}
    config = study([], {"trials": 1, "fixed": fixed, "space": space})
    under_way = next_trial(config, [begun("baseline", 0)], [])
    assert (under_way is None) == (prompts == "baseline")
    write_finished(tmp_path / "small", make_job())
    ended = next_trial(config, read_runs(tmp_path / "small"), [])
    assert ended is not None and ended.kind == "search"
