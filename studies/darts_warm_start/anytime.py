"""A run as a curve: what it has spent and what it has found, after each trial."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from candidate import PASSES
from measure import Row
from measure import Run
from measure import TRIALS
import numpy as np
from numpy.typing import NDArray


UNITS = {"seconds": "CPU seconds", "passes": "sample passes", "flops": "FLOPs"}
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Curve:
    """After trial 1, 2, ...

    Args:
        spent:
            By unit, the total so far, the supernet's part included.
        supernet:
            By unit, that part.
        scores:
            Of each trial, in %.
        best:
            The best score so far.
        test:
            The test accuracy, in %, of the first trial that had it.
    """

    spent: Mapping[str, Floats]
    supernet: Mapping[str, float]
    scores: Floats
    best: Floats
    test: Floats

    def trials_within(self, unit: str, budget: float) -> int:
        """How many trials have ended before the budget is spent."""
        # The last of its own trials would be lost to rounding.
        return int((self.spent[unit] <= budget * (1 + 1e-9)).sum())

    def trials_to(self, score: float) -> int | None:
        """How many trials it takes to be at least so good; None if all are too few."""
        reached = np.flatnonzero(self.best >= score - 1e-9)
        return int(reached[0]) + 1 if len(reached) else None


def curve(row: Row) -> Curve:
    """Reads a row of the table."""
    each = {
        "seconds": _each(row, "cpu_seconds"),
        "passes": np.full(TRIALS, float(PASSES)),
        "flops": PASSES * _each(row, "flops"),
    }
    supernet = {unit: row[f"supernet {unit}"] for unit in UNITS}
    scores, test = 100 * _each(row, "score"), 100 * _each(row, "test")
    best = np.maximum.accumulate(scores)
    first = [int(np.argmax(scores[:n])) for n in range(1, TRIALS + 1)]
    return Curve(
        spent={unit: supernet[unit] + each[unit].cumsum() for unit in UNITS},
        supernet=supernet,
        scores=scores,
        best=best,
        test=test[first],
    )


def curves(done: Mapping[Run, Row]) -> dict[Run, Curve]:
    return {run: curve(row) for run, row in done.items()}


def _each(row: Row, name: str) -> Floats:
    return np.array([row[f"{name} {n}"] for n in range(1, TRIALS + 1)])
