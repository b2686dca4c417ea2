"""Does the runs that are missing, on several processes, and keeps each as a row as it comes."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from concurrent.futures import as_completed
from concurrent.futures import ProcessPoolExecutor
import csv
from multiprocessing import get_context
from pathlib import Path
import signal
from typing import NamedTuple

from candidate import Candidate
from data import load
from methods import DATASETS
from methods import METHODS
import optuna
import torch

from optuna_nas import Objective


TRIALS = 24
EACH = ("score", "test", "cpu_seconds", "flops")
COLUMNS = (
    *("supernet seconds", "supernet passes", "supernet flops"),
    *(f"{name} {n}" for name in EACH for n in range(1, TRIALS + 1)),
)

Row = dict[str, float]


class Run(NamedTuple):
    method: str
    dataset: str
    seed: int


def search(run: Run, usps: Path) -> Row:
    """One run: a supernet first if the method has one, and then the trials."""
    network, parts = DATASETS[run.dataset], load(run.dataset, usps)
    study, cost = METHODS[run.method](network, parts, run.seed)
    study.optimize(Objective(network, Candidate(parts, run.seed)), n_trials=TRIALS)
    row = {f"supernet {name}": value for name, value in vars(cost).items()}
    for n, trial in enumerate(study.trials, 1):
        told = {"score": trial.value, **trial.user_attrs}
        row |= {f"{name} {n}": told[name] for name in EACH}
    return row


def measure(usps: Path, path: Path, runs: Sequence[Run], jobs: int) -> Mapping[Run, Row]:
    """Returns the rows of all runs. Only this process writes, so that no row is torn."""
    done = _read(path)
    missing = [run for run in runs if run not in done]
    with ProcessPoolExecutor(jobs, get_context("spawn"), initializer=_start) as pool:
        futures = {pool.submit(search, run, usps): run for run in missing}
        try:
            for count, future in enumerate(as_completed(futures), 1):
                run = futures[future]
                done[run] = row = future.result()
                _append(path, run, row)
                print(f"{count} of {len(missing)}: {', '.join(map(str, run))}", flush=True)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return {run: done[run] for run in runs}


def _start() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends it without a traceback
    torch.set_num_threads(1)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    # torch imports much of itself at the first step of an optimizer, which is no trial's cost.
    weight = torch.zeros(1, requires_grad=True)
    weight.sum().backward()
    torch.optim.AdamW([weight]).step()


def _read(path: Path) -> dict[Run, Row]:
    if not path.exists():
        return {}
    with path.open(newline="") as file:
        reader = csv.DictReader(file)
        if reader.fieldnames != [*Run._fields, *COLUMNS]:
            raise ValueError(f"{path} has the columns of another version; delete it.")
        return {
            Run(row.pop("method"), row.pop("dataset"), int(row.pop("seed"))): {
                column: float(cell) for column, cell in row.items()
            }
            for row in reader
        }


def _append(path: Path, run: Run, row: Row) -> None:
    new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, [*Run._fields, *COLUMNS])
        if new:
            writer.writeheader()
        writer.writerow({**run._asdict(), **{name: f"{x:.8g}" for name, x in row.items()}})
