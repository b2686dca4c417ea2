"""Does the runs that are missing, on several processes, and keeps each as a row as it comes."""

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
import warnings

from methods import METHODS
import optuna
from protocols import PROTOCOLS
from protocols import Row
from table import load


class Run(NamedTuple):
    protocol: str
    method: str
    seed: int


def measure(table: Path, folder: Path, runs: Sequence[Run], jobs: int) -> Mapping[Run, Row]:
    """Returns the rows of all runs. Only this process writes, so that no row is torn."""
    kept = {name: _read(folder, name) for name in {run.protocol for run in runs}}
    done = {run: row for rows in kept.values() for run, row in rows.items()}
    missing = [run for run in runs if run not in done]
    # Read by the processes that are started from here on: several threads each are slower.
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")
    with ProcessPoolExecutor(jobs, get_context("spawn"), initializer=_start) as pool:
        futures = {pool.submit(_do, table, run): run for run in missing}
        try:
            for count, future in enumerate(as_completed(futures), 1):
                done[futures[future]] = row = future.result()
                _append(folder, futures[future], row)
                _progress(count, len(missing))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return {run: done[run] for run in runs}


def _progress(count: int, total: int) -> None:
    if sys.stderr.isatty():
        end = "\n" if count == total else ""
        print(f"\r{count:,} of {total:,} runs", end=end, file=sys.stderr, flush=True)


def _start() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends it without a traceback
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)


def _do(table: Path, run: Run) -> Row:
    return PROTOCOLS[run.protocol].run(load(table), METHODS[run.method], run.seed)


def _header(protocol: str) -> list[str]:
    return ["method", "seed", *PROTOCOLS[protocol].columns]


def _read(folder: Path, protocol: str) -> dict[Run, Row]:
    """The rows of earlier times; an empty cell is a column that the method does not reach."""
    path = folder / f"{protocol}.csv"
    if not path.exists():
        return {}
    with path.open(newline="") as file:
        reader = csv.DictReader(file)
        if reader.fieldnames != _header(protocol):
            raise ValueError(f"{path} has the columns of another version; delete it.")
        return {
            Run(protocol, row.pop("method"), int(row.pop("seed"))): {
                column: float(cell) for column, cell in row.items() if cell
            }
            for row in reader
        }


def _append(folder: Path, run: Run, row: Row) -> None:
    path = folder / f"{run.protocol}.csv"
    new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, _header(run.protocol))
        if new:
            writer.writeheader()
        cells = {column: f"{value:.6g}" for column, value in row.items()}
        writer.writerow({"method": run.method, "seed": run.seed, **cells})
