"""Do architectures differ by more than chance? Some at random, each trained several times.

    python studies/darts_warm_start/spread.py path/to/usps.npz

Prints the deviation between architectures, and that of one architecture between its trainings, in
points of validation accuracy: over all of them, and over the better half, where a search ends.
"""

from __future__ import annotations

from pathlib import Path
from statistics import mean
from statistics import variance
import sys

from candidate import Candidate
from data import load
from data import Parts
from methods import DATASETS
import optuna
from space import Cells
import torch

from optuna_nas import create_study
from optuna_nas import Objective


ARCHITECTURES, TRAININGS = 16, 3


def trainings(network: Cells, parts: Parts) -> list[list[float]]:
    """The scores of each architecture, in per cent, best first."""
    first = create_study(sampler="random", pruner=None, direction="maximize", seed=1000)
    first.optimize(Objective(network, Candidate(parts, 1000)), n_trials=ARCHITECTURES)
    scores = [[100 * trial.value] for trial in first.trials]
    for seed in range(1001, 1000 + TRAININGS):
        again = create_study(pruner=None, direction="maximize", seed=seed)
        for trial in first.trials:
            again.enqueue_trial(trial.params)
        again.optimize(Objective(network, Candidate(parts, seed)), n_trials=ARCHITECTURES)
        for row, trial in zip(scores, again.trials, strict=True):
            row.append(100 * trial.value)
    return sorted(scores, key=mean, reverse=True)


def spread(scores: list[list[float]]) -> str:
    within = mean(map(variance, scores))
    between = max(0.0, variance(map(mean, scores)) - within / TRAININGS)
    return f"between {between**0.5:.2f}, within {within**0.5:.2f}"


def main() -> None:
    torch.set_num_threads(1)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    for dataset, network in DATASETS.items():
        scores = trainings(network, load(dataset, Path(sys.argv[1])))
        half = scores[: ARCHITECTURES // 2]
        print(f"{dataset}: all {spread(scores)}; better half {spread(half)}")
        print("  means:", *(f"{mean(row):.1f}" for row in scores), flush=True)


if __name__ == "__main__":
    main()
