"""What does a search gain from knowing what its candidates compute?

    python studies/fingerprints/search.py nasbench201_cifar10.npz [--seeds 10]

Searches NAS-Bench-201 with and without ``duplicates="reuse"``; a trial's value is read from the
published table. Each (method, seed) is a row of rows.jsonl beside this script, so that running
again does only what is missing.
"""

from __future__ import annotations

import argparse
from concurrent.futures import as_completed
from concurrent.futures import ProcessPoolExecutor
import json
from multiprocessing import get_context
import os
from pathlib import Path
import time
from typing import Any

import numpy as np
import optuna
import torch
from torch import nn

from optuna_nas import create_study
from optuna_nas import Objective
from optuna_nas.spaces import NASBench201


ROWS = Path(__file__).parent / "rows.jsonl"
EDGES = ("0>1", "0>2", "1>2", "0>3", "1>3", "2>3")
SAMPLERS = ("random", "regularized_evolution", "local_search")
POLICIES = ("retrain", "reuse")
TRAININGS = (50, 100, 200)
TRIALS = 300


class Published:
    """An evaluator that looks up the validation accuracy after 200 epochs, in %."""

    example = torch.zeros(2, 3, 8, 8)

    def __init__(self, path: Path) -> None:
        with np.load(path) as data:
            names = [str(name) for name in data["op_names"]]
            rows = data["ops"].tolist()
            accuracies = np.nanmean(data["valid_accuracy_200_epochs_by_seed"], axis=1).tolist()
        cells = (tuple(names[code] for code in row) for row in rows)
        self._accuracies = dict(zip(cells, accuracies, strict=True))
        self.best = max(accuracies)

    def __call__(self, module: nn.Module, trial: Any) -> float:
        return self._accuracies[tuple(trial.params[edge] for edge in EDGES)]


def search(path: Path, sampler: str, policy: str, seed: int, trials: int) -> dict[str, Any]:
    """One search; its duplicates, and what it found after how many trainings."""
    evaluator = Published(path)
    network = NASBench201(channels=2, cells=1)
    study = create_study(sampler=sampler, pruner=None, direction="maximize", seed=seed)
    objective = Objective(network, evaluator, duplicates=policy)
    asking = 0.0
    for _ in range(trials):
        began = time.process_time()
        trial = study.ask()
        asking += time.process_time() - began
        study.tell(trial, objective(trial))
    copies = ["duplicate_of" in trial.user_attrs for trial in study.trials]
    trained = [
        trial.value
        for trial, copy in zip(study.trials, copies, strict=True)
        if policy == "retrain" or not copy
    ]
    return {
        "sampler": sampler,
        "policy": policy,
        "seed": seed,
        "trials": trials,
        "copies": sum(copies),
        "regrets": {n: evaluator.best - max(trained[:n]) for n in TRAININGS if n <= len(trained)},
        "ask_ms": 1000 * asking / trials,
    }


def start() -> None:
    torch.set_num_threads(1)
    optuna.logging.set_verbosity(optuna.logging.WARNING)


def key(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["sampler"], row["policy"], row["seed"], row["trials"]


def read() -> dict[tuple[Any, ...], dict[str, Any]]:
    lines = ROWS.read_text().splitlines() if ROWS.exists() else []
    return {key(row): row for row in map(json.loads, lines)}


def measure(chosen: argparse.Namespace) -> list[dict[str, Any]]:
    wanted = [
        (sampler, policy, seed, chosen.trials)
        for seed in range(chosen.seeds)
        for sampler in SAMPLERS
        for policy in POLICIES
    ]
    missing = [run for run in wanted if run not in read()]
    with ProcessPoolExecutor(chosen.jobs, get_context("spawn"), initializer=start) as pool:
        for future in as_completed([pool.submit(search, chosen.table, *run) for run in missing]):
            with ROWS.open("a") as file:
                file.write(json.dumps(future.result()) + "\n")
    done = read()
    return [done[run] for run in wanted]


def told(values: list[float], digits: int) -> str:
    if not values:
        return "-"
    deviation = np.std(values, ddof=1) if len(values) > 1 else float("nan")
    return f"{np.mean(values):.{digits}f} ± {deviation:.{digits}f}"


def report(rows: list[dict[str, Any]]) -> None:
    head = ["sampler", "duplicates", "share of duplicates, %"]
    head += [f"regret after {n} trainings" for n in TRAININGS] + ["ms a proposal"]
    print("| " + " | ".join(head) + " |\n|" + "---|" * len(head))
    for sampler in SAMPLERS:
        for policy in POLICIES:
            own = [row for row in rows if (row["sampler"], row["policy"]) == (sampler, policy)]
            cells = [sampler, policy]
            cells.append(told([100 * row["copies"] / row["trials"] for row in own], 1))
            for n in TRAININGS:
                known = [row["regrets"][str(n)] for row in own if str(n) in row["regrets"]]
                cells.append(told(known, 3))
            cells.append(told([row["ask_ms"] for row in own], 1))
            print("| " + " | ".join(cells) + " |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table", type=Path, help="nasbench201_cifar10.npz")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--trials", type=int, default=TRIALS)
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    chosen = parser.parse_args()
    if not chosen.table.is_file():
        parser.error(f"{chosen.table} is not there.")
    if min(chosen.seeds, chosen.trials, chosen.jobs) < 1:
        parser.error("--seeds, --trials and --jobs must be at least 1.")
    os.environ.update(OMP_NUM_THREADS="1", MKL_NUM_THREADS="1")
    report(measure(chosen))


if __name__ == "__main__":
    main()
