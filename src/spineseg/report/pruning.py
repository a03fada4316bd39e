"""What pruning cost and saved, and whether its setting should change, in words."""

from __future__ import annotations

from spineseg.evidence.audits import PruneAudit, Verdict
from spineseg.evidence.results import StudySummary
from spineseg.report.wording import count, label
from spineseg.run_times import duration

_VERDICTS: dict[Verdict, str] = {
    "unknown": "Of so few nothing follows for the setting.",
    "milder": "That says against the setting: give up later (`search.pruner.warmup_epochs`, "
    "`search.two_step.epochs`) or fewer (`search.pruner.keep_percent`, `search.two_step.keep`).",
    "noise": "That is no more than seeds differ by: no reason to change the setting.",
    "keep": "That says for the setting as it is.",
    "open": "None would have won; they are too few to say that the setting is right.",
}


def pruning_lines(summary: StudySummary) -> list[str]:
    """Return what is said of pruning, a paragraph each; none where nothing was given up."""
    audit = summary.pruning
    if audit is None:
        return []
    noise_sd = summary.evidence.noise_sd if summary.evidence else None
    return [_saved(audit), *_cost(audit, label(summary.objective), noise_sd), *_ranks(audit)]


def _saved(audit: PruneAudit) -> str:
    if not audit.pruned:
        return (
            f"No trial ended where the pruner gave it up: all {len(audit.audited)} were let run on."
        )
    text = (
        f"Pruning ended {count(audit.pruned, 'trial')} early and left "
        f"{count(audit.epochs_saved, 'epoch')} untrained, about "
        f"{duration(audit.hours_saved * 3600)}."
    )
    if audit.epochs_spent:
        text += f" The audit of it took {count(audit.epochs_spent, 'epoch')}."
    return text


def _cost(audit: PruneAudit, goal: str, noise_sd: float | None) -> list[str]:
    number = len(audit.audited)
    if not number:
        return [
            "What that cost is not known: no trial that was given up ran to its end; "
            "`search.audit` lets a share of them."
        ]
    text = f"{count(number, 'trial')} that had been given up ran to the end all the same."
    if audit.regret is None:
        return [f"{text} No other searched trial completed, so nothing stands beside them."]
    best = max(audit.audited, key=lambda trial: trial.final)
    side = "above" if audit.regret > 0 else "below"
    one = "It ends" if number == 1 else f"The best of them, {best.name}, ends"
    text += f" {one} {abs(audit.regret):.3f} {side} the best of {audit.kept} kept ({goal})"
    text += f"; {audit.among_best} of {number} would be among the best {audit.best_places}"
    if audit.lost_share is not None:
        low, high = audit.lost_share
        text += f", by which {low:.0%} to {high:.0%} of all that are given up may be (95 %)"
    return [f"{text}. {_VERDICTS[audit.verdict(noise_sd)]}"]


def _ranks(audit: PruneAudit) -> list[str]:
    if audit.correlation is None or audit.ranked_epoch is None:
        return []
    text = (
        f"Over {audit.ranked} completed trials the score by epoch {audit.ranked_epoch} and the "
        f"final one have a rank correlation of {audit.correlation:.2f}"
    )
    if audit.correlation_interval is not None:
        low, high = audit.correlation_interval
        text += f" (95 %: {low:.2f} to {high:.2f})"
    return [f"{text}: 1, early scores tell the final order; 0, they tell nothing of it."]
