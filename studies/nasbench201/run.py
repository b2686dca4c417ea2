"""Regularized evolution against random search, TPE and NSGA-II, on a published table.

    python studies/nasbench201/run.py path/to/nasbench201_cifar10.npz [--seeds 30] [--runs 200]

No network is trained: every architecture of NAS-Bench-201 is in the table. Each (method, seed) is
a row of a CSV file beside this script, so that running again does only what is missing.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
import csv
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import mean
from statistics import stdev
from typing import Any
from typing import TypeAlias
import warnings

import numpy as np
from numpy.typing import NDArray
import optuna
from optuna.samplers import BaseSampler
from optuna.samplers import NSGAIISampler
from optuna.samplers import TPESampler

from optuna_nas.samplers import RandomSampler
from optuna_nas.samplers import RegularizedEvolutionSampler


EDGES = ("0>1", "0>2", "1>2", "0>3", "1>3", "2>3")
TRIALS = (50, 100, 150, 200)
SECONDS = 12_000.0
HERE = Path(__file__).parent

Row: TypeAlias = dict[str, float]
Method: TypeAlias = Callable[..., BaseSampler]

evolution = RegularizedEvolutionSampler
REGRET: Mapping[str, Method] = {
    "random": RandomSampler,
    "TPE": TPESampler,
    "NSGA-II (20)": partial(NSGAIISampler, population_size=20),
    "evolution (10, 5), the default": evolution,
    "evolution (10, 5), repeats": partial(evolution, avoid_repeats=False),
    "evolution (20, 5)": partial(evolution, population_size=20),
    "evolution (20, 5), repeats": partial(evolution, population_size=20, avoid_repeats=False),
}
BUDGET: Mapping[str, Method] = {
    "random": RandomSampler,
    "evolution (10, 3), repeats": partial(evolution, tournament_size=3, avoid_repeats=False),
    "evolution (10, 3)": partial(evolution, tournament_size=3),
    "evolution (10, 5), the default": evolution,
}


@dataclass(frozen=True)
class Table:
    """What was measured of each architecture; rows are found by the operations on the edges."""

    operations: tuple[str, ...]
    index: Mapping[tuple[int, ...], int]
    valid_200: NDArray[np.float64]
    valid_12: NDArray[np.float64]
    test: NDArray[np.float64]
    query_seconds: NDArray[np.float64]

    @classmethod
    def load(cls, path: Path) -> Table:
        with np.load(path) as data:
            return cls(
                operations=tuple(map(str, data["op_names"])),
                index={tuple(row): i for i, row in enumerate(data["ops"].tolist())},
                valid_200=np.nanmean(data["valid_accuracy_200_epochs_by_seed"], axis=1),
                valid_12=data["valid_accuracy_12_epochs"],
                test=data["test_accuracy_200_epochs"],
                query_seconds=data["train_seconds_200_epochs"] * 12 / 200,
            )

    def asked(self, trial: optuna.Trial) -> int:
        """Asks for an architecture; its row."""
        chosen = [trial.suggest_categorical(edge, self.operations) for edge in EDGES]
        return self.index[tuple(map(self.operations.index, chosen))]


def search(table: Table, signal: NDArray[np.float64], sampler: BaseSampler) -> Iterator[int]:
    """The rows that a sampler asks for, one after the other, while it learns their signal."""
    study = optuna.create_study(sampler=sampler, direction="maximize")
    while True:
        trial = study.ask()
        row = table.asked(trial)
        study.tell(trial, float(signal[row]))
        yield row


def regret(table: Table, sampler: BaseSampler) -> Row:
    """How far the best so far is from the best there is, after so many trials."""
    best = table.valid_200.max()
    rows = search(table, table.valid_200, sampler)
    seen = [table.valid_200[next(rows)] for _ in range(TRIALS[-1])]
    return {f"after {n}": float(best - max(seen[:n])) for n in TRIALS}


def budget(table: Table, sampler: BaseSampler) -> Row:
    """The test accuracy of what is best after 12 epochs, once the simulated time is spent."""
    rows: list[int] = []
    seconds = 0.0
    for row in search(table, table.valid_12, sampler):
        seconds += table.query_seconds[row]
        if seconds > SECONDS:
            break
        rows.append(row)
    best = max(rows, key=lambda row: float(table.valid_12[row]))
    return {"queries": len(rows), "different": len(set(rows)), "test": float(table.test[best])}


def measure(
    path: Path, methods: Mapping[str, Method], seeds: int, run: Callable[[BaseSampler], Row]
) -> dict[str, list[Row]]:
    """Does what the file lacks, row by row, and returns what was asked for."""
    kept = _kept(path)
    for name, make in methods.items():
        for seed in range(seeds):
            if (name, seed) not in kept:
                kept[name, seed] = run(make(seed=seed))
                _keep(path, {"method": name, "seed": seed, **kept[name, seed]})
    return {name: [kept[name, seed] for seed in range(seeds)] for name in methods}


def _kept(path: Path) -> dict[tuple[str, int], Row]:
    if not path.exists():
        return {}
    with path.open(newline="") as file:
        return {
            (row.pop("method"), int(row.pop("seed"))): {k: float(v) for k, v in row.items()}
            for row in csv.DictReader(file)
        }


def _keep(path: Path, row: Mapping[str, Any]) -> None:
    new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, row)
        if new:
            writer.writeheader()
        writer.writerow(row)


def show(title: str, measured: Mapping[str, Sequence[Row]], digits: int) -> None:
    """Prints mean and standard deviation over the seeds, as a Markdown table."""
    columns = list(next(iter(measured.values()))[0])
    print(f"\n{title}\n\n| method | {' | '.join(columns)} |\n|---|{'---|' * len(columns)}")
    for name, rows in measured.items():
        cells = [[row[column] for row in rows] for column in columns]
        told = [f"{mean(c):.{digits}f} +- {stdev(c):.{digits}f}" for c in cells]
        print(f"| {name} | {' | '.join(told)} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table", type=Path, help="nasbench201_cifar10.npz; see the README")
    parser.add_argument("--seeds", type=int, default=30, help="of the regret, at least 2")
    parser.add_argument("--runs", type=int, default=200, help="of the budget, at least 2")
    options = parser.parse_args()
    if not options.table.is_file():
        parser.error(f"{options.table} is not there; the README says what it has to hold.")
    if min(options.seeds, options.runs) < 2:
        parser.error("--seeds and --runs must be at least 2, to have a deviation.")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
    table = Table.load(options.table)
    show(
        f"Regret in validation accuracy, {options.seeds} seeds",
        measure(HERE / "regret.csv", REGRET, options.seeds, partial(regret, table)),
        digits=3,
    )
    show(
        f"Simulated budget of {SECONDS:,.0f} s, {options.runs} runs",
        measure(HERE / "budget.csv", BUDGET, options.runs, partial(budget, table)),
        digits=2,
    )


if __name__ == "__main__":
    main()
