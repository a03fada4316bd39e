"""What loads a training's films outlives it by seconds when it is killed, and holds nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from spineseg.files import is_locked, locked

OWNER = """
import os, sys, time
from pathlib import Path
import torch
from spineseg.files import locked

class Films(torch.utils.data.Dataset):
    def __len__(self):
        return 10**6
    def __getitem__(self, index):
        return torch.zeros(64)

with locked(Path(sys.argv[1])) as free, locked(Path(sys.argv[2])) as first:
    loader = torch.utils.data.DataLoader(
        Films(), batch_size=4, num_workers=3, multiprocessing_context=sys.argv[3] or None
    )
    for number, batch in enumerate(loader):
        if number == 5:
            print("loading", free, first, flush=True)
        time.sleep(0.01)
"""


@pytest.mark.wide
@pytest.mark.parametrize("how", ["", "fork"])
def test_a_killed_trainings_lock_is_free_at_once_while_its_loaders_live_on(
    tmp_path: Path, how: str
) -> None:
    script, locks = tmp_path / "owner.py", [tmp_path / "lock", tmp_path / "driver.lock"]
    script.write_text(OWNER)
    owner = subprocess.Popen(
        [sys.executable, script, *locks, how], stdout=subprocess.PIPE, text=True
    )
    try:
        assert owner.stdout and owner.stdout.readline() == "loading True True\n"
        loaders = psutil.Process(owner.pid).children(recursive=True)
        assert len(loaders) == 3 and all(is_locked(lock) for lock in locks)
        owner.kill()
        owner.wait(10)
        held, live = [is_locked(lock) for lock in locks], [p.is_running() for p in loaders]
        assert (held, live) == ([False, False], [True, True, True])
        with locked(locks[0]) as free:
            assert free
    finally:
        for loader in loaders:
            if loader.is_running():
                os.kill(loader.pid, signal.SIGKILL)
        owner.stdout.close()  # type: ignore[union-attr]
