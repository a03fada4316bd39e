"""A node of a cluster, and what one slot takes of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Node:
    """A node of the cluster: what it is called here, and what it has."""

    id: str
    name: str
    cpus: float
    gpus: int
    gpu_kind: str


@dataclass(frozen=True)
class Need:
    """What a slot takes of its node, in Ray's words."""

    cpus: float
    gpus: float
