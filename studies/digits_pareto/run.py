"""Accuracy against measured latency on handwritten digits, in minutes on a laptop.

    python studies/digits_pareto/run.py [--networks 60] [--seed 0]

Searches small convolutional networks, prints the Pareto front, measures its networks again, built
anew, and draws front.png. Keeps nothing: running again searches again.
"""

from __future__ import annotations

import argparse
from itertools import pairwise
import os
from pathlib import Path
from time import perf_counter

import numpy as np
import optuna
from optuna.trial import FrozenTrial
from optuna.trial import TrialState
from plot import plot_front
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
import torch

from optuna_nas import build
from optuna_nas import create_study
from optuna_nas import metrics
from optuna_nas import Objective
from optuna_nas import spaces
from optuna_nas import Train
from optuna_nas.space import Network
from optuna_nas.study import best_under
from optuna_nas.study import knee_point
from optuna_nas.study import pareto_table
from optuna_nas.training import fit
from optuna_nas.training import score


EPOCHS = 12


def digits() -> list[tuple[np.ndarray, np.ndarray]]:
    """Train, valid and test: 1,077, 360 and 360 images."""
    x, y = load_digits(return_X_y=True)
    x = (x.reshape(-1, 1, 8, 8) / 16).astype(np.float32)
    x, x_test, y, y_test = train_test_split(x, y, test_size=360, random_state=0, stratify=y)
    x, x_valid, y, y_valid = train_test_split(x, y, test_size=360, random_state=0, stratify=y)
    return [(x, y), (x_valid, y_valid), (x_test, y_test)]


def measure_again(
    network: Network, latency: metrics.Latency, front: list[FrozenTrial]
) -> list[metrics.Measured]:
    """The latencies of the front, built anew, one after the other."""
    return [latency.record(build(network, trial)) for trial in front]


def told(front: list[FrozenTrial], again: list[metrics.Measured]) -> None:
    print("\n| trial | accuracy | in the search, ms | again, ms | change, % |")
    print("|---|---|---|---|---|")
    changes = []
    for trial, second in zip(front, again, strict=True):
        first = trial.user_attrs["latency_ms"]
        changes.append(100 * second.median_ms / first["median_ms"] - 100)
        print(
            f"| {trial.number} | {trial.values[0]:.4f} "
            f"| {first['median_ms']:.3f} ({first['low_ms']:.3f} to {first['high_ms']:.3f}) "
            f"| {second.median_ms:.3f} ({second.low_ms:.3f} to {second.high_ms:.3f}) "
            f"| {changes[-1]:+.1f} |"
        )
    in_order = [second.median_ms for second in again]
    swapped = sum(a > b for a, b in pairwise(in_order))
    print(
        f"\nmean change {np.mean(changes):+.1f} %, largest {np.abs(changes).max():.1f} %; "
        f"{swapped} of {len(front) - 1} neighbours changed their order"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    torch.set_num_threads(1)
    train, valid, test = digits()
    network = spaces.CNN(input_shape=(1, 8, 8), num_classes=10, widths=(4, 8, 16, 24))
    latency = metrics.Latency(train[0][:1])
    study = create_study(
        sampler="predictor", directions=["maximize", "minimize"], seed=chosen.seed
    )

    started = perf_counter()
    objective = Objective(network, Train(train, valid, epochs=EPOCHS), latency)
    study.optimize(objective, n_trials=chosen.networks)
    spent = perf_counter() - started
    trials = study.trials
    measured = sum(trial.user_attrs["latency_ms"]["seconds"] for trial in trials)
    pruned = sum(trial.state == TrialState.PRUNED for trial in trials)
    print(
        f"{len(trials)} networks in {spent:.0f} s, of which {measured:.0f} s measuring latency; "
        f"{pruned} pruned; load average {os.getloadavg()[0]:.1f}\n"
    )
    print(pareto_table(study))

    front = sorted(study.best_trials, key=lambda trial: trial.values[1])
    told(front, measure_again(network, latency, front))

    knee = knee_point(study)
    model = build(network, knee)
    everything = tuple(np.concatenate(parts) for parts in zip(train, valid, strict=True))
    fit(model, everything, epochs=EPOCHS, seed=chosen.seed)
    print(
        f"\nThe knee is trial {knee.number}: {knee.values[1]:.3f} ms, and trained on train and "
        f"valid together {score(model, test):.4f} on the test images."
    )
    half = knee.values[1] / 2
    if any(trial.values[1] <= half for trial in front):
        under = best_under(study, latency_ms=half)
        print(f"Within {half:.3f} ms the best has {under.values[0]:.4f}, trial {under.number}.")
    plot_front(study, knee, Path(__file__).parent / "front.png")
    print(f"{perf_counter() - started:.0f} s in all")


if __name__ == "__main__":
    main()
