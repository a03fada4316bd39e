"""What a running study has: what it is, where it trains, who is told."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from spineseg.config.study import StudyConfig
from spineseg.data.manifest import Dataset
from spineseg.limits.beginnings import Beginnings
from spineseg.places import StudyPlaces
from spineseg.prediction.numbering.model import NumberingModel
from spineseg.progress import Progress
from spineseg.runs import Run
from spineseg.training.executors.protocol import Executor
from study.memory import Memory


@dataclass
class Running:
    """What a running study has: what it is, where it trains, who is told."""

    config: StudyConfig
    places: StudyPlaces
    dataset: Dataset
    numbering: NumberingModel
    executor: Executor
    memory: Memory
    progress: Progress
    runs: dict[int, Run]  # By number: all on record, as far as their logs have been read.
    beginnings: Beginnings
    news: Callable[[Run], None]  # Called with a run that has something new, its end included.
    check: Callable[[], None]  # Called at each turn; raises what ends the study.
    interrupted: threading.Event = field(default_factory=threading.Event)
