"""What one run is: what the sampler sees, for how long, and what is kept of it.

A run is a row of numbers. Those that change while it runs are kept after every few evaluations, as
columns named ``regret 5``, ``regret 10`` and so on.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from itertools import islice
from time import perf_counter

from methods import Method
from methods import OURS
import numpy as np
from numpy.typing import NDArray
import optuna
from optuna.samplers import BaseSampler
from table import Table


EVALUATIONS, EVERY = 300, 5
TWO_EVALUATIONS, TWO_EVERY = 400, 10
SECONDS = 12_000.0
ERROR = 20.0  # %, the first of the reference point; the README says why
SLOWEST = {"raspberry_pi4": 100.0, "pixel3": 37.0, "gtx1080ti_batch1": 18.0}  # ms, the second

Row = dict[str, float]
Asked = tuple[int, tuple[float, ...]]  # the architecture, and what the sampler was told of it


@dataclass(frozen=True)
class Protocol:
    """A kind of run: of which methods by default, and the columns that a run fills."""

    methods: tuple[str, ...]
    columns: tuple[str, ...]
    run: Callable[[Table, Method, int], Row]


def search(
    table: Table,
    sampler: BaseSampler,
    directions: Sequence[str],
    answer: Callable[[int], tuple[float, ...]],
) -> Iterator[Asked]:
    """What a sampler asks for, one after the other, while it learns the answers."""
    study = optuna.create_study(sampler=sampler, directions=directions)
    while True:
        trial = study.ask()
        row = table.asked(trial)
        values = answer(row)
        study.tell(trial, values)
        yield row, values


def by_validation(table: Table, method: Method, seed: int, *, noisy: bool) -> Row:
    """How good the architecture is that looks best by then, which under noise need not be."""
    rng = np.random.default_rng(seed)
    evaluations = method.evaluations or EVALUATIONS

    def answer(row: int) -> tuple[float, ...]:
        return (table.drawn(row, rng) if noisy else float(table.valid[row]),)

    start = perf_counter()
    sampler = method.make(seed=seed)
    asked = list(islice(search(table, sampler, ["maximize"], answer), evaluations))
    kept = _cost(asked, start)
    best = [row for row, _ in accumulate(asked, _better)]
    for n in range(EVERY, evaluations + 1, EVERY):
        kept[f"regret {n}"] = float(table.valid.max() - table.valid[best[n - 1]])
        kept[f"test {n}"] = float(table.test[best[n - 1]])
    return kept


def by_seconds(table: Table, method: Method, seed: int) -> Row:
    """What is best after 12 epochs, once the time for so many trainings is spent."""
    asked: list[Asked] = []
    seconds, start = 0.0, perf_counter()
    sampler = method.make(seed=seed)
    for row, values in search(table, sampler, ["maximize"], lambda r: (float(table.valid_12[r]),)):
        seconds += table.query_seconds[row]
        if seconds > SECONDS:
            break
        asked.append((row, values))
    best = list(accumulate(asked, _better))[-1][0]
    return {**_cost(asked, start), "queries": len(asked), "test": float(table.test[best])}


def by_hypervolume(table: Table, method: Method, seed: int, *, device: str) -> Row:
    """How much of what the whole table's Pareto front dominates, its own front does."""
    points = np.stack([100 - table.valid, table.latency[device]], axis=1)
    reference = (ERROR, SLOWEST[device])
    start = perf_counter()
    sampler = method.make(seed=seed)
    answers = search(table, sampler, ["minimize"] * 2, lambda row: tuple(points[row].tolist()))
    asked = list(islice(answers, TWO_EVALUATIONS))
    kept = _cost(asked, start)
    seen, whole = points[[row for row, _ in asked]], hypervolume(points, reference)
    for n in range(TWO_EVERY, TWO_EVALUATIONS + 1, TWO_EVERY):
        kept[f"share {n}"] = 100 * hypervolume(seen[:n], reference) / whole
    return kept


def hypervolume(points: NDArray[np.float64], reference: tuple[float, float]) -> float:
    """The area between two costs and the reference, in strips from the least first cost on."""
    area, lowest = 0.0, reference[1]
    inside = points[(points < reference).all(axis=1)]
    for first, second in inside[np.lexsort(inside.T[::-1])].tolist():
        area += (reference[0] - first) * max(0.0, lowest - second)
        lowest = min(lowest, second)
    return area


def _better(best: Asked, new: Asked) -> Asked:
    return new if new[1] > best[1] else best


def _cost(asked: Sequence[Asked], start: float) -> Row:
    """Wall-clock ms a trial, looking up included; the share that had been asked before, in %."""
    ms = (perf_counter() - start) * 1000 / len(asked)
    return {"ms": ms, "repeated": 100 - 100 * len({row for row, _ in asked}) / len(asked)}


def _after(names: Sequence[str], every: int, last: int) -> tuple[str, ...]:
    return tuple(f"{name} {n}" for name in names for n in range(every, last + 1, every))


_COST = ("ms", "repeated")
_ONE = ("random", "TPE", "GP", "NSGA-II (20)", *OURS)
_TWO = ("random", "TPE", "NSGA-II (20)", "NSGA-II (50)", *OURS)
_BUDGET = ("random", "evolution (10, 3), repeats", *OURS)
_REGRET = (*_COST, *_after(("regret", "test"), EVERY, EVALUATIONS))

PROTOCOLS: Mapping[str, Protocol] = {
    "mean": Protocol(_ONE, _REGRET, partial(by_validation, noisy=False)),
    "noisy": Protocol(_ONE, _REGRET, partial(by_validation, noisy=True)),
    "paper": Protocol(_BUDGET, (*_COST, "queries", "test"), by_seconds),
    **{
        device: Protocol(
            _TWO,
            (*_COST, *_after(("share",), TWO_EVERY, TWO_EVALUATIONS)),
            partial(by_hypervolume, device=device),
        )
        for device in SLOWEST
    },
}
