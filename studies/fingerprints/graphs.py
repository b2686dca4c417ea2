"""The cells of NAS-Bench-201 as graphs, and whether two are one, by brute force.

An oracle: it knows nothing of torch, nor of how a fingerprint is made.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from functools import cache
from itertools import permutations
from typing import Any
from typing import TypeAlias


Sum: TypeAlias = tuple[Any, ...]
"""Of pairs (term, how often), sorted; a term is (operation, edge of a convolution, its input)."""

INPUT: Sum = ((("input", None, ()), 1),)


def cell(operations: Sequence[str]) -> Sum:
    """What a cell computes of its input.

    Args:
        operations:
            Of the edges 0>1, 0>2, 1>2, 0>3, 1>3, 2>3.
    """
    first = _along(operations, 0, INPUT)
    second = _added(_along(operations, 1, INPUT), _along(operations, 2, first))
    ends = enumerate((INPUT, first, second), start=3)
    return _added(*(_along(operations, edge, value) for edge, value in ends))


@cache
def canonical(computed: Sum) -> str:
    """Equal for two cells if and only if some renaming of the convolutions makes them equal.

    Args:
        computed:
            By :func:`cell`.
    """
    edges = sorted(_convolutions(computed))
    names = (dict(zip(edges, order, strict=True)) for order in permutations(range(len(edges))))
    return min(repr(_renamed(computed, chosen)) for chosen in names)


def _along(operations: Sequence[str], edge: int, value: Sum) -> Sum:
    operation = operations[edge]
    if not value or operation == "none":  # a convolution of zeros is zero as well
        return ()
    if operation == "skip_connect":
        return value
    return (((operation, edge if "conv" in operation else None, value), 1),)


def _added(*values: Sum) -> Sum:
    counts: dict[Any, int] = {}
    for value in values:
        for term, count in value:
            counts[term] = counts.get(term, 0) + count
    return tuple(sorted(counts.items(), key=repr))


def _convolutions(value: Sum) -> set[int]:
    found = {edge for (_, edge, _), _ in value if edge is not None}
    return found.union(*(_convolutions(inner) for (_, _, inner), _ in value))


def _renamed(value: Sum, names: Mapping[int, int]) -> Sum:
    terms = (
        ((kind, None if edge is None else names[edge], _renamed(inner, names)), count)
        for (kind, edge, inner), count in value
    )
    return tuple(sorted(terms, key=repr))
