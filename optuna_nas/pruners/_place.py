"""The place of one trial among others: by non-dominated rank, and within a front by spread.

Spread is an epsilon-net (Salinas et al. 2021, "A multi-objective perspective on jointly tuning
hardware and hyperparameters"; Schmucker et al. 2021, "Multi-objective Asynchronous
Successive Halving"): each next one is the farthest from those before; or the crowding
distance (Deb et al. 2002, "NSGA-II", sec. III-B).
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
import math

import numpy as np
from numpy.typing import NDArray

from optuna_nas._ranking import crowding
from optuna_nas._ranking import Floats
from optuna_nas._ranking import nondominated


def place(costs: Floats, own: Floats, limit: int, tie_break: str) -> int:
    """Returns how many rows come before one of them, not counting those that equal it.

    Args:
        costs:
            Shape [n, m], less is better, no NaN.
        own:
            The row that is asked about, shape [m].
        limit:
            From this place on it does not matter which it is: any number of at least ``limit``
            may be returned.
        tie_break:
            A key of ``ORDERS``.
    """
    if costs.shape[1] == 1:
        return int((costs < own).sum())
    rows, counts = np.unique(costs, axis=0, return_counts=True)
    mine = int((rows == own).all(1).argmax())
    ahead, left = 0, np.arange(len(rows))
    while ahead < limit:
        on_front = nondominated(rows[left])
        front = left[on_front]
        if mine in front:
            order = front[ORDERS[tie_break](_scaled(rows[front]))]
            before = order[: int((order == mine).argmax())]
            return ahead + int(counts[before].sum())
        ahead += int(counts[front].sum())
        left = left[~on_front]
    return ahead


def epsilon_net(front: Floats) -> NDArray[np.intp]:
    """Orders rows: the first one, then always the one farthest from all that are chosen.

    Args:
        front:
            Shape [n, m], each objective in comparable units, in lexicographic order; so that the
            first is the best by the first objective.
    """
    order, distance = [0], np.full(len(front), math.inf)
    while len(order) < len(front):
        newest = front[order[-1]]
        distance = np.minimum(distance, ((front - newest) ** 2).sum(1))
        distance[order] = -1.0
        order.append(int(distance.argmax()))
    return np.array(order)


def sparsest_first(front: Floats) -> NDArray[np.intp]:
    """Orders rows by the distance of their two neighbours, summed over objectives, ends first.

    Args:
        front:
            As above.
    """
    return np.argsort(-crowding(front), kind="stable")


ORDERS: Mapping[str, Callable[[Floats], NDArray[np.intp]]] = {
    "crowding": sparsest_first,
    "epsilon_net": epsilon_net,
}


def _scaled(front: Floats) -> Floats:
    """Each objective from 0 to 1; what is infinite is as far as the farthest that is not."""
    finite = np.where(np.isfinite(front), front, np.nan)
    known = np.isfinite(front).any(0)
    least, most = np.zeros(front.shape[1]), np.zeros(front.shape[1])
    least[known], most[known] = np.nanmin(finite[:, known], 0), np.nanmax(finite[:, known], 0)
    spread = np.where(most > least, most - least, 1.0)
    return np.asarray((np.clip(front, least, most) - least) / spread)
