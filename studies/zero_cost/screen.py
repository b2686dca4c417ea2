"""What does a screen gain, and does it turn itself off where it should?

    python studies/zero_cost/screen.py scores.csv nasbench201_cifar10.npz [--seeds 50]

Random search among the 725 networks of NAS-Bench-201 with published scores. To train one is to
look it up: validation accuracy after 12 epochs. Each search goes on until so many are trained.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
import csv
from pathlib import Path
from statistics import mean
from statistics import stdev
from typing import Any

import numpy as np
import optuna
from optuna.trial import TrialState
from scipy.stats import wilcoxon
import torch
from torch import nn

from optuna_nas import create_study
from optuna_nas import Objective
from optuna_nas.space import Trial
from optuna_nas.study import Screen
from optuna_nas.study._screen import TRUTH


ESTIMATES = ("synflow", "nwot", "jacov", "snip", "fisher", "plain")
TRAINED = 60


class Published(nn.Module):
    """A stand-in for a network: it has a place in the table, and as many parameters."""

    def __init__(self, row: int, parameters: int) -> None:
        super().__init__()
        self.row = row
        self.weight = nn.Parameter(torch.empty(parameters))


class Table:
    """The published numbers of the networks that have scores."""

    def __init__(self, scores: Path, table: Path) -> None:
        with scores.open() as file:
            entries = list(csv.DictReader(file))
        index = [int(entry["arch_index"]) for entry in entries]
        with np.load(table) as data:
            self.valid = data["valid_accuracy_12_epochs"][index].astype(float)
            self.test = data["test_accuracy_200_epochs"][index].astype(float)
        self.parameters = [int(1e6 * float(entry["params"])) for entry in entries]
        self.scores = {
            name: np.nan_to_num(
                [float(entry[name] or "nan") for entry in entries], nan=-np.inf, neginf=-np.inf
            )
            for name in ESTIMATES
        }

    def network(self, trial: Trial) -> nn.Module:
        row = trial.suggest_int("row", 0, len(self.valid) - 1)
        return Published(row, self.parameters[row])


def estimate(table: Table, name: str) -> Callable[[Any, Any], float]:
    def look_up(module: Published, trial: Any) -> float:
        return float(table.scores[name][module.row])

    return look_up


def search(table: Table, name: str | None, seed: int, shuffled: bool) -> tuple[float, bool, int]:
    """Regret in test accuracy, whether the screen is off at the end, how many it rejected."""
    labels = table.valid
    if shuffled:
        labels = np.random.default_rng(seed).permutation(labels)

    def accuracy(module: Published, trial: Any) -> float:
        return float(labels[module.row])

    screen = None if name is None else Screen(estimate(table, name))
    objective = Objective(table.network, accuracy, screen=screen)
    study = create_study(sampler="random", direction="maximize", pruner=None, seed=seed)
    trained: list[optuna.trial.FrozenTrial] = []
    while len(trained) < TRAINED:
        study.optimize(objective, n_trials=1)
        trained = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    off = study.user_attrs.get(TRUTH, {}).get("off") is not None
    regret = float(table.test.max() - table.test[study.best_trial.params["row"]])
    return regret, off, len(study.trials) - len(trained)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("scores", type=Path, help="zero_cost_nasbench201_cifar10.csv")
    parser.add_argument("table", type=Path, help="nasbench201_cifar10.npz")
    parser.add_argument("--seeds", type=int, default=50)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    table = Table(chosen.scores, chosen.table)
    print(f"{chosen.seeds} searches each, until {TRAINED} networks are trained\n")
    print("| screen by | labels | regret | p | off at the end | rejected |\n" + "|---" * 6 + "|")
    without: tuple[float, ...] = ()
    for shuffled in (False, True):
        for name in (None, *ESTIMATES):
            if shuffled and name is None:
                continue
            runs = [search(table, name, seed, shuffled) for seed in range(chosen.seeds)]
            regrets, off, rejected = zip(*runs, strict=True)
            without = without or regrets
            regret = p = "-"
            if not shuffled:
                regret = f"{mean(regrets):.2f} ± {stdev(regrets):.2f}"
            if not shuffled and regrets != without:  # the same seeds
                p = f"{wilcoxon(regrets, without).pvalue:.3f}"
            share = "-" if name is None else f"{sum(off)} of {len(off)}"
            print(
                f"| {name or 'nothing'} | {'shuffled' if shuffled else 'true'} | {regret} | {p} | "
                f"{share} | {mean(rejected):.0f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
