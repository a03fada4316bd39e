"""What pruning cost and saved, by the trials that were given up and ran on all the same."""

from __future__ import annotations

import math
from collections.abc import Sequence

from scipy.stats import binomtest, spearmanr

from spineseg.config.study import StudyConfig
from spineseg.evidence.audits import AuditedTrial, PruneAudit
from spineseg.prune_audit import audited_after
from spineseg.runs import Run
from spineseg.standing import standing

_LEAST_RANKED = 6  # Below it the interval of a rank correlation spans nearly all.
_BEST = 3  # Where no finalist is confirmed, the best three are what a search is asked for.


def prune_audit(config: StudyConfig, runs: Sequence[Run]) -> PruneAudit | None:
    """Return what pruning cost and saved; None where nothing was given up."""
    searched = [run for run in standing(runs) if run.job.kind == "search"]
    done = [run for run in searched if run.outcome == "completed"]
    audited = [_audited(run, epoch) for run in done if (epoch := audited_after(run)) is not None]
    pruned = [run for run in searched if run.outcome == "pruned"]
    if not audited and not pruned:
        return None
    names = {trial.name for trial in audited}
    kept = [run.value for run in done if run.name not in names]
    places = (config.confirm.top if config.confirm else 0) or _BEST
    best = sorted(done, key=lambda run: (-run.value, run.job.number))[:places]
    among = sum(run.name in names for run in best)
    share = binomtest(among, len(audited)).proportion_ci() if audited else None
    epoch = min((trial.epoch for trial in audited), default=None)
    r, interval, ranked = rank_correlation(
        [(_best_until(run, epoch), run.value) for run in done] if epoch is not None else []
    )
    short = [max(0, run.job.config.epochs - run.epoch_count) for run in pruned]
    return PruneAudit(
        audited=tuple(audited),
        kept=len(kept),
        pruned=len(pruned),
        regret=max(t.final for t in audited) - max(kept) if audited and kept else None,
        best_places=places,
        among_best=among,
        lost_share=(float(share.low), float(share.high)) if share else None,
        correlation=r,
        correlation_interval=interval,
        ranked=ranked,
        ranked_epoch=epoch,
        epochs_saved=sum(short),
        hours_saved=sum(n * _epoch_hours(run) for n, run in zip(short, pruned, strict=True)),
        epochs_spent=sum(trial.epochs_more for trial in audited),
    )


def rank_correlation(
    pairs: Sequence[tuple[float, float]],
) -> tuple[float | None, tuple[float, float] | None, int]:
    """Return Spearman's correlation, its 95 % interval and of how many pairs; None below six.

    The interval is Fisher's with the variance of Bonett and Wright (2000, Psychometrika 65:23).
    """
    known = [pair for pair in pairs if all(map(math.isfinite, pair))]
    n = len(known)
    if n < _LEAST_RANKED or any(len({pair[side] for pair in known}) < 2 for side in (0, 1)):
        return None, None, n
    r = float(spearmanr(*zip(*known, strict=True)).statistic)
    if abs(r) >= 1:
        return r, None, n  # Fisher's transform has no value there.
    half = 1.96 * math.sqrt((1 + r * r / 2) / (n - 3))
    return r, (math.tanh(math.atanh(r) - half), math.tanh(math.atanh(r) + half)), n


def _audited(run: Run, epoch: int) -> AuditedTrial:
    return AuditedTrial(
        name=run.name,
        epoch=epoch,
        early=_best_until(run, epoch),
        final=run.value,
        epochs_more=max(0, run.epoch_count - epoch),
    )


def _best_until(run: Run, epoch: int) -> float:
    """Return the trainer's best score of the first epochs: what the pruner looks at."""
    scores = [mark.score for mark in run.marks if mark.epoch <= epoch]
    return max((score for score in scores if not math.isnan(score)), default=math.nan)


def _epoch_hours(run: Run) -> float:
    """Return hours that one epoch of a pruned run took."""
    done = run.finished
    return done.train_seconds / max(1, done.epochs) / 3600 if done else 0.0
