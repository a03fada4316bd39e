"""Which executor a study's config asks for."""

from __future__ import annotations

import sys
from collections.abc import Callable

from spineseg.config.study import StudyConfig
from spineseg.errors import ConfigError
from spineseg.places import StudyPlaces
from spineseg.training.devices import chosen_devices
from spineseg.training.executors.local import LocalExecutor
from spineseg.training.executors.protocol import Executor
from spineseg.training.launcher import TRAINER, Launcher


def _to_stderr(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def begin_early(config: StudyConfig) -> None:
    """Let what the trainings of this machine start from be imported, while other things begin."""
    if config.devices.executor == "local":
        Launcher(StudyPlaces(config.store.root, config.name).trainer).begin()


def chosen_executor(
    config: StudyConfig,
    places: StudyPlaces,
    say: Callable[[str], None] = _to_stderr,
    trainer: str = TRAINER,
) -> Executor:
    """Return what starts a study's trainings; `say` shows a line, of nodes.

    Ray is imported for `devices.executor: ray` alone. Raises ConfigError for a device that is not
    there, without Ray, and without a cluster.
    """
    if config.devices.executor == "local":
        devices = chosen_devices(config.devices.device)
        return LocalExecutor(places.trainer, devices, config.devices.trials_per_device, trainer)
    try:
        from spineseg.training.executors.ray_cluster import RayExecutor
    except ImportError as error:
        raise ConfigError(
            f"devices.executor: 'ray' needs Ray, which is not installed ({error}); "
            '`make setup EXTRA="ray"`, on every node, or devices.executor: local'
        ) from None
    return RayExecutor(config.devices, places.folder, say, trainer)
