"""The views of a study: which runs each shows, in which order, and by what."""

from __future__ import annotations

from collections.abc import Sequence

from spineseg.config.study import StudyConfig
from spineseg.tracking.film_series import series_key
from spineseg.tracking.views import charts
from spineseg.tracking.views.state import State, View

SCORE = "score"
_FILMS_HEIGHT_PX = 720  # Two runs under each other, to begin with.
_NAME, _CREATED = "attributes.`Run Name`", "runDateAndNestInfo"
_TRAININGS = "tags.`kind` LIKE '%'"  # All but the study's own run, which is of no kind.
_NAMED = "tags.`kind` != 'search' AND tags.`kind` != 'confirm'"
_SEARCHED = "tags.`kind` != 'confirm'"
_FRESH = "tags.`kind` = 'confirm'"
_FAILED = "tags.`outcome` != 'completed' AND tags.`outcome` != 'running'"
# Pixels that the head needs with the sorting sign; MLflow's own 100 cut some and waste others.
_WIDTHS = {
    _NAME: 165,
    _CREATED: 150,
    "metrics.`score`": 85,
    "metrics.`gain`": 75,
    "metrics.`mask_map50`": 105,
    "metrics.`level_rate`": 90,
    "metrics.`epochs`": 70,
    "metrics.`hours`": 70,
    "tags.`outcome`": 90,
    "tags.`changed`": 200,
    "tags.`failure`": 140,
    "tags.`arm`": 130,
    "tags.`seed`": 75,
    "tags.`device`": 130,
}


def study_views(
    config: StudyConfig, best: Sequence[str] = (), shown: Sequence[str] = ()
) -> list[View]:
    """Return the views of a study, the one to begin with first.

    `shown` are the films that its runs leave pictures of; without, there is no view of films.

    `best` are MLflow's ids of the baseline, the variants and the best run, where the best is a
    searched one: MLflow's filters have no OR, so that they are named one by one.
    """
    views = [leaderboard(), learning_curves(best)]
    if config.search.trials and config.search.space:
        views.append(search(list(config.search.space)))
    if config.confirm is not None:
        views.append(fresh_seeds())
    if shown:
        views.append(films(best, shown))
    return [*views, failures()]


def leaderboard() -> View:
    """Every training, best first: the view to begin with."""
    return View("leaderboard", "Leaderboard", _table(_TRAININGS, _compared()))


def learning_curves(best: Sequence[str]) -> View:
    """The baseline, the variants and the best, over the epochs."""
    drawn = [
        charts.line(metric)
        for metric in (
            *("valid/mask_map50_95", "valid/mask_map50", "valid/box_map50_95"),
            *("train/seg_loss", "valid/seg_loss", "train/box_loss", "valid/box_loss"),
        )
    ]
    state = _table(_among(best), _compared())
    # They can rank runs otherwise than the score does.
    state |= charts.arranged("The trainer's own scores, at reduced mask resolution", drawn)
    return View("curves", "Learning curves", state, charts=True)


def search(params: list[str]) -> View:
    """The score over each searched parameter, and over all of them at once."""
    drawn = [charts.parallel(params, SCORE), *(charts.scatter(each, SCORE) for each in params)]
    columns = [_metric(SCORE), *(f"params.`{each}`" for each in params), _tag("outcome")]
    state = _table(_SEARCHED, columns) | charts.arranged("Score over what was searched", drawn)
    return View("search", "Search", state, charts=True)


def fresh_seeds() -> View:
    """The trainings on fresh seeds, each in the colour of what it repeats."""
    columns = [*map(_tag, ("arm", "seed")), *_compared()]
    drawn = [charts.bars(metric) for metric in (SCORE, "mask_map50", "level_rate")]
    state = _table(_FRESH, columns) | charts.arranged("Each fresh seed", drawn)
    return View("seeds", "Fresh seeds", state, charts=True)


def films(best: Sequence[str], shown: Sequence[str]) -> View:
    """The same validation films, outlined by the baseline, the variants and the best."""
    drawn, layout = charts.pictures([series_key(film) for film in shown], _FILMS_HEIGHT_PX)
    state = _table(_among(best), _compared()) | charts.arranged("Films", drawn, layout)
    return View("films", "Films", state, charts=True)


def failures() -> View:
    """What was pruned or failed, and of what."""
    columns = [
        *map(_tag, ("outcome", "failure", "changed")),
        *map(_metric, (SCORE, "epochs", "hours")),
        _tag("device"),
    ]
    return View("failures", "Failures", _table(_FAILED, columns))


def _among(best: Sequence[str]) -> str:
    if not best:
        return _NAMED
    return f"attributes.run_id IN ({', '.join(repr(str(run)) for run in best)})"


def _compared() -> list[str]:
    return [
        *map(_metric, (SCORE, "gain", "mask_map50", "level_rate")),
        *map(_tag, ("outcome", "changed")),
        *map(_metric, ("epochs", "hours")),
    ]


def _metric(name: str) -> str:
    return f"metrics.`{name}`"


def _tag(name: str) -> str:
    return f"tags.`{name}`"


def _table(runs: str, columns: list[str]) -> State:
    """Return a state that lists the runs a filter leaves, with these columns in this order."""
    order = [_NAME, _CREATED, *columns]
    return {
        "selectedColumns": columns,
        "columnOrder": order,
        "columnWidths": {column: _WIDTHS.get(column, 100) for column in order},
        "searchFilter": runs,
        "orderByKey": _metric(SCORE),
        "orderByAsc": False,
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "modelVersionFilter": "All Runs",
        "datasetsFilter": [],
        "runsHiddenMode": "SHOW_ALL",
        "hideEmptyCharts": True,
    }
