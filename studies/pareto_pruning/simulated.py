"""Does pruning with two objectives save time? On a published table, where nothing is trained.

    python studies/pareto_pruning/simulated.py path/to/nasbench201_cifar10.npz [--seeds 20]

A network of NAS-Bench-201 has an accuracy after 12 epochs and one after 200; its error after 200
and its latency on a Raspberry Pi 4 are the objectives. A trial costs the published training time
of as many epochs as it gets. Prints, for each sampler, how much hypervolume there is when half and
when all of the time is spent, and what share of the time the search with pruning takes to have
what the search without has in the end.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from functools import partial
import os
from pathlib import Path

from joblib import delayed
from joblib import Parallel
import numpy as np
from numpy.typing import NDArray
import optuna
from optuna._hypervolume import compute_hypervolume

from optuna_nas import create_study
from optuna_nas import SampledTrial
from optuna_nas.pruners import ParetoSuccessiveHalvingPruner


EDGES = ("0>1", "0>2", "1>2", "0>3", "1>3", "2>3")
FULL_TRAININGS = 100  # the time of so many, of networks of the mean cost, is a search's budget
REFERENCE = np.array([20.0, 100.0])  # % error, ms: see studies/nasbench201
SAMPLERS = ("random", "nsga2", "regularized_evolution", "local_search", "predictor")
PRUNERS = {
    "none": lambda: None,
    "successive halving, 1 of 3": partial(ParetoSuccessiveHalvingPruner, rungs=[12]),
    "the same, crowding": partial(ParetoSuccessiveHalvingPruner, rungs=[12], tie_break="crowding"),
    "successive halving, 1 of 2": partial(
        ParetoSuccessiveHalvingPruner, rungs=[12], reduction_factor=2
    ),
}


class Table:
    def __init__(self, path: Path) -> None:
        with np.load(path) as data:
            self.operations = tuple(map(str, data["op_names"]))
            self.index = {tuple(ops): i for i, ops in enumerate(data["ops"].tolist())}
            early = 100 - data["valid_accuracy_12_epochs"].astype(float)
            late = 100 - np.nanmean(data["valid_accuracy_200_epochs_by_seed"].astype(float), 1)
            latency = data["latency_ms_raspberry_pi4"].astype(float)
            self.seconds = data["train_seconds_200_epochs"].astype(float)
        self.early, self.late = np.stack([early, latency], 1), np.stack([late, latency], 1)
        self.budget = FULL_TRAININGS * self.seconds.mean()


def search(
    table: Table, sampler: str, pruner: str, seed: int
) -> Iterator[tuple[float, NDArray[np.float64] | None]]:
    """The seconds spent, and the objectives if the trial was trained to the end."""
    study = create_study(
        sampler=sampler, pruner=PRUNERS[pruner](), directions=["minimize"] * 2, seed=seed
    )
    spent = 0.0
    while spent < table.budget:
        asked = study.ask()
        trial = SampledTrial(asked)
        ops = [trial.suggest_categorical(edge, table.operations) for edge in EDGES]
        row = table.index[tuple(map(table.operations.index, ops))]
        trial.report(table.early[row].tolist(), 12)
        if trial.should_prune():
            study.tell(asked, state=optuna.trial.TrialState.PRUNED)
            spent += table.seconds[row] * 12 / 200
            yield spent, None
        else:
            study.tell(asked, table.late[row].tolist())
            spent += table.seconds[row]
            yield spent, table.late[row]


def run(table: Table, sampler: str, pruner: str, seed: int) -> NDArray[np.float64]:
    """Rows: share of the time spent, hypervolume in % of what the whole table has."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    whole = volume(table.late)
    found, curve = np.empty((0, 2)), [(0.0, 0.0, 0.0)]
    for trials, (seconds, values) in enumerate(search(table, sampler, pruner, seed), start=1):
        if values is not None:
            found = np.vstack([found, values])
        if seconds <= table.budget:
            curve.append((seconds / table.budget, 100 * volume(found) / whole, trials))
    return np.array(curve)


def volume(points: NDArray[np.float64]) -> float:
    inside = points[(points < REFERENCE).all(1)]
    return float(compute_hypervolume(inside, REFERENCE)) if len(inside) else 0.0


def at(curve: NDArray[np.float64], share: float) -> float:
    return float(curve[curve[:, 0] <= share, 1][-1])


def time_to(curve: NDArray[np.float64], volume: float) -> float:
    """The share of the time; infinite if it never gets there."""
    reached = curve[curve[:, 1] >= volume, 0]
    return float(reached[0]) if len(reached) else np.inf


def told(values: list[float]) -> str:
    return f"{np.mean(values):.2f} +- {np.std(values, ddof=1):.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table", type=Path, help="nasbench201_cifar10.npz")
    parser.add_argument("--seeds", type=int, default=20, help="at least 2")
    parser.add_argument("--samplers", nargs="+", choices=SAMPLERS, default=SAMPLERS)
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    chosen = parser.parse_args()
    table = Table(chosen.table)
    print(
        "| sampler | pruner | networks | after half of the time | after all | "
        "better than without, seeds | time to what without has in the end, median and quartiles |"
    )
    print("|---|---|---|---|---|---|---|")
    for sampler in chosen.samplers:
        tasks = [(p, seed) for p in PRUNERS for seed in range(chosen.seeds)]
        curves = Parallel(chosen.jobs)(delayed(run)(table, sampler, *task) for task in tasks)
        of = {p: [c for (q, _), c in zip(tasks, curves, strict=True) if q == p] for p in PRUNERS}
        for pruner, mine in of.items():
            ends = [at(curve, 1.0) for curve in of["none"]]
            better = sum(at(c, 1.0) > end for c, end in zip(mine, ends, strict=True))
            times = [100 * time_to(c, end) for c, end in zip(mine, ends, strict=True)]
            low, median, high = np.quantile(times, [0.25, 0.5, 0.75], method="lower")
            cells = [
                told([curve[-1, 2] for curve in mine]),
                told([at(curve, 0.5) for curve in mine]),
                told([at(curve, 1.0) for curve in mine]),
                "" if pruner == "none" else f"{better} of {chosen.seeds}",
                "" if pruner == "none" else f"{median:.0f} % ({low:.0f} to {high:.0f})",
            ]
            print(f"| {sampler} | {pruner} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
