"""Does the searches that are missing, a seed at a time, and keeps each as a row of a CSV file."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from concurrent.futures import as_completed
from concurrent.futures import ProcessPoolExecutor
import csv
from multiprocessing import get_context
import os
from pathlib import Path
import signal
import sys
from typing import NamedTuple

from methods import EVALUATIONS
from methods import METHODS
from methods import Search
import optuna
from problem import Problem
import torch


Row = dict[str, float]

COLUMNS = [
    "seconds",
    "evaluation",
    *(f"{part} {n}" for part in ("valid", "test") for n in range(1, EVALUATIONS + 1)),
]


class Run(NamedTuple):
    method: str
    seed: int


def measure(folder: Path, runs: Sequence[Run], jobs: int) -> Mapping[Run, Row]:
    """Returns the rows of all runs. Only this process writes rows, so that none is torn."""
    done = _read(folder)
    missing: dict[int, list[str]] = {}
    for run in runs:
        if run not in done:
            missing.setdefault(run.seed, []).append(run.method)
    # Read by the processes that are started from here on: several threads each are slower.
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")
    with ProcessPoolExecutor(jobs, get_context("spawn"), initializer=_start) as pool:
        futures = [pool.submit(_do, folder, *seed) for seed in missing.items()]
        try:
            for count, future in enumerate(as_completed(futures), 1):
                new = future.result()
                _append(folder, new)
                done.update(new)
                _progress(count, len(missing))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return {run: done[run] for run in runs}


def _progress(count: int, total: int) -> None:
    if sys.stderr.isatty():
        end = "\n" if count == total else ""
        print(f"\r{count} of {total} seeds", end=end, file=sys.stderr, flush=True)


def _start() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends it without a traceback
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    torch.set_num_threads(1)


def _do(folder: Path, seed: int, methods: Sequence[str]) -> dict[Run, Row]:
    """All that is missing of a seed, in one process: what one has trained, others look up."""
    problem = Problem(seed, folder / "evaluations")
    return {Run(method, seed): _row(METHODS[method](problem)) for method in methods}


def _row(search: Search) -> Row:
    """The best by validation after each evaluation; its test error; what was spent."""
    trained = [found for found in search.asked if found is not None]
    row = {"evaluation": sum(found.seconds for found in trained) / len(trained)}
    if search.seconds is not None:
        row["seconds"] = search.seconds
    best = None
    for n in range(1, EVALUATIONS + 1):
        found = search.asked[n - 1] if n <= len(search.asked) else None
        if found is not None and (best is None or found.valid < best.valid):
            best = found
        if best is not None:
            row[f"valid {n}"], row[f"test {n}"] = best.valid, best.test
    return row


def _read(folder: Path) -> dict[Run, Row]:
    """The rows of earlier times; an empty cell is a column that the method does not reach."""
    path = folder / "rows.csv"
    if not path.exists():
        return {}
    with path.open(newline="") as file:
        reader = csv.DictReader(file)
        if reader.fieldnames != ["method", "seed", *COLUMNS]:
            raise ValueError(f"{path} has the columns of another version; delete it.")
        return {
            Run(row.pop("method"), int(row.pop("seed"))): {
                column: float(cell) for column, cell in row.items() if cell
            }
            for row in reader
        }


def _append(folder: Path, new: Mapping[Run, Row]) -> None:
    path = folder / "rows.csv"
    begun = path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, ["method", "seed", *COLUMNS])
        if not begun:
            writer.writeheader()
        for run, row in new.items():
            cells = {column: f"{value:.6g}" for column, value in row.items()}
            writer.writerow({"method": run.method, "seed": run.seed, **cells})
