"""What pruning cost and saved: figures from runs, and words that claim nothing of few."""

from __future__ import annotations

from pathlib import Path

import pytest
from report_factory import study as shown
from run_folders import make_job
from told_runs import finished, study

from spineseg.events import Audited, Epoch, Event
from spineseg.evidence.audits import AuditedTrial, PruneAudit
from spineseg.evidence.pruning import prune_audit, rank_correlation
from spineseg.report.pruning import pruning_lines
from spineseg.runs import Run

CONFIG = study(search={"trials": 20}, confirm={"top": 3, "seeds": 2})
EPOCHS, SECONDS = 10, 7200.0


def searched(number: int, early: float, final: float, given_up: int = 0, ends: int = 0) -> Run:
    """Return a run: by epoch 4 at `early`; given up after an epoch, and ended there or not."""
    config = CONFIG.baseline.with_(epochs=EPOCHS)
    job = make_job(number=number, name=f"search-{number:03d}", kind="search", config=config)
    live = [early * min(e, 4) / 4 for e in range(1, (ends or EPOCHS) + 1)]
    log: list[Event] = [
        Epoch(
            run=job.id,
            epoch=e,
            metrics={"valid/mask_map50_95": score},
            epoch_seconds=SECONDS,
            validation_seconds=1.0,
        )
        for e, score in enumerate(live, start=1)
    ]
    end = finished(job, len(log), "pruned" if ends else "completed")
    update = {
        "metrics": {"best/mask_map50_95": final},
        "train_seconds": SECONDS * len(log),
    }
    log.append(end.model_copy(update=update))
    if given_up:
        log.append(Audited(run=job.id, epoch=given_up))
    return Run(Path(job.folder_name), job, tuple(log))


def test_regret_places_and_savings_are_those_of_the_runs() -> None:
    runs = [
        *(searched(n, 0.2 + n / 100, 0.40 + n / 100) for n in range(1, 5)),
        searched(5, 0.10, 0.46, given_up=4),
        searched(6, 0.12, 0.30, given_up=5),
        searched(7, 0.11, 0.11, ends=4),
        searched(8, 0.11, 0.11, ends=6),
    ]
    found = prune_audit(CONFIG, runs)
    assert found is not None
    assert (found.kept, found.pruned, found.among_best, found.best_places) == (4, 2, 1, 3)
    assert found.regret == pytest.approx(0.46 - 0.44)
    assert found.epochs_saved == 6 + 4 and found.hours_saved == pytest.approx(20.0)
    assert found.epochs_spent == 6 + 5 and found.ranked_epoch == 4
    assert [trial.early for trial in found.audited] == pytest.approx([0.10, 0.12])
    assert found.verdict(None) == "unknown"
    text = " ".join(pruning_lines(shown(pruning=found)))
    assert "ended 2 trials early and left 10 epochs untrained, about 20.0 h" in text
    assert "The best of them, search-005, ends 0.020 above the best of 4 kept" in text
    assert "1 of 2 would be among the best 3, by which 1% to 99% of all" in text
    assert "Of so few nothing follows" in text


def test_without_a_search_that_gives_up_nothing_is_said() -> None:
    runs = [searched(n, 0.2, 0.4) for n in (1, 2)]
    assert prune_audit(CONFIG, runs) is None and pruning_lines(shown()) == []
    ended = prune_audit(CONFIG, [*runs, searched(3, 0.1, 0.1, ends=4)])
    assert ended is not None and ended.regret is None and ended.lost_share is None
    assert "What that cost is not known" in pruning_lines(shown(pruning=ended))[1]


def audit(number: int, regret: float, among: int = 0, high: float = 0.2) -> PruneAudit:
    trials = tuple(
        AuditedTrial(name=f"s{n}", epoch=4, early=0.1, final=0.3, epochs_more=6)
        for n in range(number)
    )
    return PruneAudit(
        audited=trials,
        kept=10,
        pruned=9,
        regret=regret,
        best_places=3,
        among_best=among,
        lost_share=(0.0, high),
        correlation=0.8,
        correlation_interval=(0.5, 0.9),
        ranked=20,
        ranked_epoch=4,
        epochs_saved=50,
        hours_saved=2.0,
        epochs_spent=60,
    )


@pytest.mark.parametrize(
    ("found", "noise_sd", "verdict"),
    [
        (audit(4, 0.1), None, "unknown"),
        (audit(5, 0.1), None, "milder"),
        (audit(5, 0.1), 0.02, "milder"),
        (audit(5, 0.01), 0.02, "noise"),
        (audit(13, -0.1), None, "keep"),
        (audit(6, -0.1, high=0.46), None, "open"),
    ],
)
def test_the_setting_is_judged_only_by_enough_and_against_the_noise_of_seeds(
    found: PruneAudit, noise_sd: float | None, verdict: str
) -> None:
    assert found.verdict(noise_sd) == verdict


def test_a_rank_correlation_has_an_interval_that_narrows_and_none_below_six() -> None:
    few = [(n, n * (-1) ** (n == 3)) for n in range(1, 6)]
    assert rank_correlation(few) == (None, None, 5)
    pairs = [(n, n + (3 if n % 3 == 0 else 0)) for n in range(1, 11)]
    r, interval, n = rank_correlation(pairs)
    wide = rank_correlation(pairs[:6])[1]
    assert r is not None and interval is not None and wide is not None and n == 10
    assert interval[0] < r < interval[1] <= 1 and interval[1] - interval[0] < wide[1] - wide[0]
    assert rank_correlation([(1.0, 2.0)] * 8)[0] is None
