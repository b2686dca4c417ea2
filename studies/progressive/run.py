"""Does it pay to begin with small networks? Progressive search against its predictor alone.

    python studies/progressive/run.py [--seeds 5]

Searches CNNs for digits, 40 trials each. Each (method, seed) is a row of rows.jsonl beside this
script, so that running again does only what is missing. Prints, as Markdown, the best validation
accuracy after so much training, in seconds of the processor, and in the end.
"""

from __future__ import annotations

import argparse
from concurrent.futures import as_completed
from concurrent.futures import ProcessPoolExecutor
from itertools import accumulate
import json
from multiprocessing import get_context
import os
from pathlib import Path
import time
from typing import Any

import numpy as np
import optuna
from optuna.samplers import BaseSampler
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
import torch
from torch import nn

from optuna_nas import create_study
from optuna_nas import Objective
from optuna_nas import spaces
from optuna_nas import Train
from optuna_nas.samplers import PredictorSampler
from optuna_nas.samplers import ProgressiveSampler
from optuna_nas.samplers import RandomSampler


ROWS = Path(__file__).parent / "rows.jsonl"
METHODS = ("random", "predictor", "progressive")
TRIALS, EPOCHS = 40, 8
SHARES = (0.25, 0.5, 1.0)
GROWING = ["stages", "blocks"]


def sampler(method: str, seed: int) -> BaseSampler:
    if method == "progressive":
        return ProgressiveSampler(GROWING, n_initial=8, n_per_level=8, seed=seed)
    return {"random": RandomSampler, "predictor": PredictorSampler}[method](seed=seed)


def search(method: str, seed: int) -> dict[str, Any]:
    """The score of each trial, None if it was rejected, and what its training took."""
    x, y = load_digits(return_X_y=True)
    images = (x / 16).astype("float32").reshape(-1, 1, 8, 8)
    parts = train_test_split(images, y, test_size=797, random_state=seed, stratify=y)
    train = Train((parts[0], parts[2]), (parts[1], parts[3]), epochs=EPOCHS, seed=seed)

    def timed(module: nn.Module, trial: Any) -> float:
        started = time.process_time()
        try:
            return train(module, trial)
        finally:
            trial.set_user_attr("spent", time.process_time() - started)

    network = spaces.CNN(
        (1, 8, 8), 10, min_stages=1, max_stages=3, widths=(4, 8, 16), max_blocks=4
    )
    study = create_study(
        sampler=sampler(method, seed), pruner=None, direction="maximize", seed=seed
    )
    study.optimize(Objective(network, timed, example=images[:2]), n_trials=TRIALS)
    scores = [trial.value for trial in study.trials]
    seconds = [trial.user_attrs.get("spent", 0.0) for trial in study.trials]
    return {"method": method, "seed": seed, "scores": scores, "seconds": seconds}


def start() -> None:
    torch.set_num_threads(1)
    optuna.logging.set_verbosity(optuna.logging.WARNING)


def read() -> list[dict[str, Any]]:
    lines = ROWS.read_text().splitlines() if ROWS.exists() else []
    return [json.loads(line) for line in lines]


def measure(seeds: int, jobs: int) -> None:
    """Does what is missing. Only this process writes rows, so that none is torn."""
    done = {(row["method"], row["seed"]) for row in read()}
    runs = [(method, seed) for seed in range(seeds) for method in METHODS]
    with ProcessPoolExecutor(jobs, get_context("spawn"), initializer=start) as pool:
        futures = [pool.submit(search, *run) for run in runs if run not in done]
        try:
            for future in as_completed(futures):
                with ROWS.open("a") as file:
                    file.write(json.dumps(future.result()) + "\n")
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def best_within(row: dict[str, Any], seconds: float) -> float:
    """The best score, in %, of the trials that ended within so many seconds of training."""
    spent = accumulate(row["seconds"])
    scores = zip(row["scores"], spent, strict=True)
    return 100 * max((s for s, t in scores if s is not None and t <= seconds), default=0.0)


def report(seeds: int) -> None:
    rows = {(row["method"], row["seed"]): row for row in read()}
    whole = {seed: sum(rows["random", seed]["seconds"]) for seed in range(seeds)}
    within = " | ".join(f"within {share:.0%}" for share in SHARES)
    print(f"| method | {within} | after {TRIALS} trials | their training, s |")
    print("|" + "---|" * (len(SHARES) + 3))
    for method in METHODS:
        found = [rows[method, seed] for seed in range(seeds)]
        columns = [
            [best_within(row, share * whole[row["seed"]]) for row in found] for share in SHARES
        ]
        columns.append([best_within(row, float("inf")) for row in found])
        columns.append([sum(row["seconds"]) for row in found])
        print(f"| {method} | " + " | ".join(map(told, columns)) + " |")


def told(values: list[float]) -> str:
    spread = f" +- {np.std(values, ddof=1):.2f}" if len(values) > 1 else ""
    return f"{np.mean(values):.2f}{spread}"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    chosen = parser.parse_args()
    start()
    measure(chosen.seeds, chosen.jobs)
    report(chosen.seeds)


if __name__ == "__main__":
    main()
