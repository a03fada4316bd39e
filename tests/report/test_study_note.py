"""The note that a study's page in MLflow opens with: the answer, the best five, how far it is."""

from __future__ import annotations

import pytest
from evidence_factory import effect, evidence
from large_study import large_evidence, large_study
from report_factory import confirmed_study, run, study

from spineseg.config.study import StudyConfig
from spineseg.report.sections.answer import answer
from spineseg.report.study_note import Ended, running_note, study_note

CONFIG = StudyConfig.model_validate(
    {
        "name": "small",
        "description": "A small one.",
        "data": {"sources": [{"kind": "local", "path": "films"}]},
        "baseline": {},
        "variants": [],
    }
)


def test_the_note_holds_the_answers_own_sentence_the_best_five_and_the_page() -> None:
    summary = large_study(**large_evidence())
    note = study_note(summary, "#/there", 40)
    head, said, *_ = note.split("\n\n")
    assert head.startswith("Better: ") and head.endswith(
        "Synthetic X-rays: they say nothing of patients."
    )
    assert said == f"**{answer(summary).text}**"
    table = [line for line in note.splitlines() if line.startswith("|")]
    assert len(table) == 2 + 5 + 1 and table[-1].startswith(
        "| baseline&emsp;|"
    )  # It is no best one.
    assert table[0].replace("&emsp;", " ") == "| run | mask mAP50 | mask 50-95 | level % | ep |"
    assert "](#/there)" in note and "was not promoted; refused by: better on the test part" in note
    assert "1 failed" in note and summary.description in note


@pytest.mark.parametrize(
    ("summary", "head"),
    [
        (confirmed_study(), "Better: no-flips, +0.030 mask mAP50-95."),
        (study(), "Not confirmed: no-flips, +0.046 mask mAP50-95."),
        (study(run("x", 0.2), best="baseline"), "Nothing above the baseline."),
        (study(run("x", None, outcome="failed"), best="baseline"), "Nothing to compare yet."),
        (study(runs=[run("x", 0.2)], best="x"), "Nothing to compare with yet."),
    ],
)
def test_the_first_line_is_the_verdict(summary: object, head: str) -> None:
    assert study_note(summary, "", 9).startswith(head)  # type: ignore[arg-type]


def test_films_of_patients_are_not_called_synthetic() -> None:
    variants = [effect("no-flips", 0.05, 0.01)]
    note = study_note(study(synthetic=False, evidence=evidence(variants=variants)), "", 6)
    assert "Synthetic" not in note and "synthetic" not in note


def test_while_a_study_runs_the_note_says_how_far_it_is() -> None:
    note = running_note(CONFIG, True, [], 6)
    assert note.startswith("Running: 0 of at most 6 trainings ended. Synthetic X-rays")
    assert "The baseline has not ended yet." in note and note.endswith("A small one.")
    ended = [
        Ended("baseline", "baseline", "completed", 0.3),
        Ended("search-001", "search", "pruned", 0.9),
        Ended("v", "variant", "completed", 0.35),
        Ended("w", "variant", "failed", None),
        Ended("v-seed-1", "confirm", "completed", 0.5),
    ]
    note = running_note(CONFIG, False, ended, 6)
    assert note.startswith("Running: 5 of at most 6 trainings ended, 1 pruned and 1 failed.\n")
    assert "of the baseline: 0.300. Highest so far: v, 0.350 (+0.050); not confirmed." in note
