"""What stands for an attempt that could not be begun, as its node is gone."""

from __future__ import annotations


class NeverBegun:
    """An attempt in a slot whose node went away before it was begun."""

    is_over, lost, found_no_space = True, True, False
    is_ending = is_waiting_for_its_place = False

    def __init__(self, node: str) -> None:
        self.ended_by = gone(node)

    def is_alive(self) -> bool:
        """Return that it is not."""
        return False

    def let_go(self) -> None:
        """Do nothing, as all that could be asked of it."""

    def let_go_on(self, epochs: int) -> None:
        """Do nothing."""

    def ask_to_stop(self, epochs: int) -> None:
        """Do nothing."""

    def kill(self) -> None:
        """Do nothing."""


def gone(node: str) -> str:
    """Return what is said of an attempt whose node is gone."""
    return f"node {node} is gone"
