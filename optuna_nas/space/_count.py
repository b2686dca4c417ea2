"""How many architectures: exactly by dynamic programming, or estimated from random runs."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from math import isqrt
from math import prod
from typing import Any
from typing import TypeAlias

from optuna_nas.space._conditions import Condition
from optuna_nas.space._conditions import NOT_ASKED
from optuna_nas.space._conditions import Run


MAX_ENTRIES = 200_000

Factor: TypeAlias = tuple[tuple[str, ...], dict[tuple[Any, ...], int]]
"""Names, and for their answers in how many ways the decisions summed out can be answered."""


def factored_size(
    conditions: Mapping[str, Condition],
    sizes: Mapping[str, int],
    seen: Mapping[str, Sequence[Any]],
) -> int | None:
    """Counts the architectures of a table of conditions, by variable elimination.

    Each decision is a factor over its parents and, if others depend on it, itself: in how many
    ways it can be answered. Decisions are summed out one by one, cheapest first (Dechter 1999,
    "Bucket elimination", sec. 3).

    Args:
        conditions:
            When each decision is asked.
        sizes:
            How many answers each decision has.
        seen:
            The answers of each decision that others depend on.

    Returns:
        The number, or None if it would take tables of more than 200,000 entries.
    """
    factors = [_factor(name, conditions[name], sizes[name], seen.get(name)) for name in conditions]
    left = set(seen)
    while left:
        name = min(sorted(left), key=lambda n: len(_neighbours(n, factors)))
        touched = [f for f in factors if name in f[0]]
        product = touched[0]
        for factor in touched[1:]:
            product = _join(product, factor)
            if len(product[1]) > MAX_ENTRIES:
                return None
        factors = [f for f in factors if name not in f[0]] + [_sum_out(name, product)]
        left.remove(name)
    return prod(table[()] for _, table in factors)


def estimated_size(runs: Sequence[Run | None], sizes: Mapping[str, int]) -> tuple[int, int]:
    """Estimates the number of architectures from uniformly random runs (Knuth 1975).

    The product of the numbers of options along a random path is an unbiased estimate of the
    number of leaves ("Estimating the efficiency of backtrack programs", sec. 2).

    Args:
        runs:
            Random runs; None stands for one that could not be built, a leaf that does not count.
        sizes:
            How many answers each decision has.

    Returns:
        The mean and its standard error, rounded.
    """
    estimates = [0 if run is None else prod(sizes[name] for name in run) for run in runs]
    n = len(estimates)
    mean = sum(estimates) // n
    variance = sum((estimate - mean) ** 2 for estimate in estimates) // (n - 1)
    return mean, isqrt(variance // n)


def _factor(name: str, condition: Condition, size: int, seen: Sequence[Any] | None) -> Factor:
    if seen is None:
        table = {answers: size if asked else 1 for answers, asked in condition.asked.items()}
        return condition.parents, table
    table = {
        (*answers, value): 1
        for answers, asked in condition.asked.items()
        for value in (seen if asked else [NOT_ASKED])
    }
    return (*condition.parents, name), table


def _neighbours(name: str, factors: Sequence[Factor]) -> set[str]:
    return {other for names, _ in factors if name in names for other in names}


def _join(left: Factor, right: Factor) -> Factor:
    shared = [name for name in left[0] if name in right[0]]
    own = [i for i, name in enumerate(right[0]) if name not in left[0]]
    matches: dict[tuple[Any, ...], list[tuple[tuple[Any, ...], int]]] = {}
    for key, ways in right[1].items():
        at = tuple(key[right[0].index(name)] for name in shared)
        matches.setdefault(at, []).append((tuple(key[i] for i in own), ways))
    table = {}
    for key, ways in left[1].items():
        at = tuple(key[left[0].index(name)] for name in shared)
        for rest, other_ways in matches.get(at, ()):
            table[key + rest] = ways * other_ways
    return left[0] + tuple(right[0][i] for i in own), table


def _sum_out(name: str, factor: Factor) -> Factor:
    i = factor[0].index(name)
    table: dict[tuple[Any, ...], int] = {}
    for key, ways in factor[1].items():
        rest = key[:i] + key[i + 1 :]
        table[rest] = table.get(rest, 0) + ways
    return factor[0][:i] + factor[0][i + 1 :], table
