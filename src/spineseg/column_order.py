"""The order of the bodies along a column, however it bends, flipped or turned."""

from __future__ import annotations

from itertools import pairwise

import numpy as np


def column_order(centres: np.ndarray) -> list[int]:
    """Return the order of the bodies along the column, from one of its ends, however it bends.

    `centres` are (bodies, 2) px. The order is the longest path of their minimum spanning tree;
    what is off that path goes where it lengthens it least.
    """
    from scipy.sparse.csgraph import minimum_spanning_tree, shortest_path  # Slow to import.

    distances = np.hypot(*(centres[:, None] - centres[None]).transpose(2, 0, 1))
    tree = minimum_spanning_tree(distances + 1e-6)  # SciPy takes less than 1e-8 for no edge.
    end = int(shortest_path(tree, directed=False, indices=0).argmax())
    lengths, before = shortest_path(tree, directed=False, indices=end, return_predecessors=True)
    order = [int(lengths.argmax())]
    while order[-1] != end:
        order.append(int(before[order[-1]]))
    for body in set(range(len(centres))) - set(order):
        longer = [
            distances[a, body] + distances[body, b] - distances[a, b] for a, b in pairwise(order)
        ]
        longer = [distances[body, order[0]], *longer, distances[order[-1], body]]
        order.insert(int(np.argmin(longer)), body)
    return order
