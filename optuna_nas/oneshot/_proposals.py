"""The architectures near the most probable one, found best first."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Container
from collections.abc import Iterator
from collections.abc import Mapping
from heapq import heappop
from heapq import heappush
from itertools import count
from typing import Any
from typing import TypeAlias


Ranking: TypeAlias = list[tuple[Any, float]]
"""The choices of a decision with their log-probabilities, best first."""


def nearest(
    rankings: Mapping[str, Ranking],
    leading: Container[str],
    replay: Callable[[Mapping[str, Any]], dict[str, Any]],
) -> Iterator[tuple[float, dict[str, Any]]]:
    """Yields each architecture once, from the one of all best choices on.

    A best-first search, whose steps replace one active choice: by the next best, or of a decision
    that leads to others by any, since what it leads to may be less probable than what comes after.
    Where no decision leads to another, architectures come in the exact order of their probability.

    Args:
        rankings:
            Of each decision.
        leading:
            The decisions on whose choice it depends what else is asked.
        replay:
            From a choice for each decision to params, exactly the names that are active.

    Yields:
        An architecture's log-probability and its params.
    """
    heap: list[tuple[float, int, dict[str, int], dict[str, Any]]] = []
    seen: set[frozenset[tuple[str, int]]] = set()
    ties = count()

    def push(ranks: Mapping[str, int]) -> None:
        params = replay({n: ranking[ranks.get(n, 0)][0] for n, ranking in rankings.items()})
        ranks = {n: rank for n, rank in ranks.items() if n in params}
        architecture = frozenset(ranks.items())
        if architecture not in seen:
            seen.add(architecture)
            log_p = sum(r[ranks.get(n, 0)][1] for n, r in rankings.items() if n in params)
            heappush(heap, (-log_p, next(ties), ranks, params))

    push({})
    while heap:
        minus_log_p, _, ranks, params = heappop(heap)
        yield -minus_log_p, params
        for name, ranking in rankings.items():
            rank = ranks.get(name, 0)
            last = len(ranking) if name in leading else min(rank + 2, len(ranking))
            for other in range(rank + 1, last) if name in params else ():
                push({**ranks, name: other})
