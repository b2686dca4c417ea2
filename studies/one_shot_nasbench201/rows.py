"""Does the runs that are missing, on several processes, and keeps each as a row as it comes."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from concurrent.futures import as_completed
from concurrent.futures import ProcessPoolExecutor
import csv
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

from images import load as load_images
from methods import METHODS
import optuna
from sizes import SIZES
from table import EDGES
from table import Table
import torch

from optuna_nas.spaces import NASBench201


COLUMNS = (
    "method", "seed", "architecture", "test", "rank", "parameters",
    "parameter_free", "collapsed", "fired", "seconds",
)  # fmt: skip


class Run(NamedTuple):
    method: str
    seed: int


Row = Mapping[str, str]


@dataclass(frozen=True)
class Place:
    """Where runs find and leave things, and what they run on."""

    folder: Path
    size: str
    images: Path
    device: str

    @property
    def rows(self) -> Path:
        return self.folder / f"{self.size}.csv"


def measure(place: Place, table: Table, runs: Sequence[Run], jobs: int) -> Mapping[Run, Row]:
    """Returns the rows of all runs. Only this process reads the table, and writes."""
    done = _read(place.rows)
    missing = [run for run in runs if run not in done]
    with ProcessPoolExecutor(jobs, get_context("spawn"), initializer=_start) as pool:
        futures = {pool.submit(_searched, place, run): run for run in missing}
        try:
            for future in as_completed(futures):
                row = _judged(futures[future], future.result(), table)
                _append(place.rows, row)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    done = _read(place.rows)
    return {run: done[run] for run in runs}


def _start() -> None:
    torch.set_num_threads(1)
    optuna.logging.set_verbosity(optuna.logging.WARNING)


def _searched(place: Place, run: Run) -> dict[str, object]:
    """What a search found; it has no table."""
    size = SIZES[place.size]
    images = load_images(place.images, size.train, size.valid, size.side, place.device)
    started = perf_counter()
    found = METHODS[run.method](images, size, run.seed, place.device)
    return {
        "architecture": NASBench201.arch_string(found.params),
        "parameter_free": f"{found.parameter_free:.3f}",
        "collapsed": found.collapsed,
        "fired": found.fired,
        "seconds": f"{perf_counter() - started:.0f}",
    }


def _judged(run: Run, found: Mapping[str, object], table: Table) -> dict[str, object]:
    params = NASBench201.from_arch_string(str(found["architecture"]))
    judged = table.judged({edge: params[edge] for edge in EDGES})
    return {
        **run._asdict(),
        **found,
        "test": f"{judged.test:.2f}",
        "rank": judged.rank,
        "parameters": f"{judged.parameters:.3f}",
    }


def _read(path: Path) -> dict[Run, Row]:
    if not path.exists():
        return {}
    with path.open(newline="") as file:
        reader = csv.DictReader(file)
        if tuple(reader.fieldnames or ()) != COLUMNS:
            raise ValueError(f"{path} has the columns of another version; delete it.")
        return {Run(row["method"], int(row["seed"])): row for row in reader}


def _append(path: Path, row: Mapping[str, object]) -> None:
    new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        if new:
            writer.writeheader()
        writer.writerow(row)
