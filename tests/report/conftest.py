"""Fixtures: the pages of two made-up studies, written once."""

from __future__ import annotations

import pytest
from evidence_factory import sealed_test
from made_up_films import compared_film
from page_words import page_of
from report_factory import confirmed_study, study

from spineseg.report import anatomy
from spineseg.report.sections import working_point


@pytest.fixture(scope="session")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page of a study before any baseline was trained again, or any effect was measured."""
    folder = tmp_path_factory.mktemp("page")
    html = page_of(study(), folder, [compared_film(folder)])
    assert sorted(path.name for path in folder.iterdir()) == ["film.png", "report.html"]
    return html


@pytest.fixture(scope="session")
def full_page(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page of a study with fresh seeds and an opened test part."""
    folder = tmp_path_factory.mktemp("full")
    return page_of(confirmed_study(test=sealed_test()), folder, [compared_film(folder)])


@pytest.fixture
def few_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the figures that take longest, for tests of words."""
    monkeypatch.setattr(anatomy, "confusion", lambda *_: "")
    monkeypatch.setattr(working_point, "curves", lambda *_: "")
