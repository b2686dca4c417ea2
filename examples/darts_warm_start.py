"""DARTS first, then a study: a supernet proposes architectures, and the search begins with them.

At the end, a cold study of as many trials shows what the proposals were worth. (Training the
supernet is not free either: studies/darts_warm_start counts everything.)
"""

from __future__ import annotations

from functools import partial
from time import perf_counter

import optuna
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
import torch
from torch import nn
from torch import Tensor

from optuna_nas import create_study
from optuna_nas import Objective
from optuna_nas import ops
from optuna_nas import Supernet
from optuna_nas import Train
from optuna_nas import warm_start
from optuna_nas.oneshot import darts
from optuna_nas.space import Trial


CHANNELS = 8
EDGES = ("0>1", "0>2", "1>2", "0>3", "1>3", "2>3")
SEEDS, TRIALS = 5, 15


class Cell(nn.Module):
    """Four nodes, each the sum of what comes from those before it, through an operation."""

    def __init__(self, trial: Trial) -> None:
        super().__init__()
        operations = ops.nasbench201_operations(CHANNELS)
        self.edges = nn.ModuleList(trial.suggest_module(edge, operations) for edge in EDGES)

    def forward(self, x: Tensor) -> Tensor:
        edges = iter(self.edges)
        nodes = [x]
        for _ in range(3):
            nodes.append(sum(next(edges)(before) for before in nodes))
        return nodes[-1]


class Net(nn.Sequential):
    """Two cells, which share their six decisions: 15,625 architectures."""

    def __init__(self, trial: Trial) -> None:
        super().__init__(
            nn.Conv2d(1, CHANNELS, 1),
            Cell(trial),
            nn.AvgPool2d(2),
            Cell(trial),
            nn.BatchNorm2d(CHANNELS),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(2),
            nn.Flatten(),
            nn.Linear(4 * CHANNELS, 10),
        )


def told(study: optuna.Study) -> str:
    first = max(trial.value for trial in study.trials[:SEEDS])
    return f"best of the first {SEEDS} trials {first:.3f}, of all {TRIALS} {study.best_value:.3f}"


def main() -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    torch.set_num_threads(1)
    torch.manual_seed(0)
    x, y = load_digits(return_X_y=True)
    x = (x / 16).reshape(-1, 1, 8, 8)
    x_train, x_valid, y_train, y_valid = train_test_split(
        x, y, train_size=600, test_size=600, random_state=0, stratify=y
    )
    train, valid = (x_train, y_train), (x_valid, y_valid)

    started = perf_counter()
    supernet = Supernet(Net)
    for epoch in darts(
        supernet,
        train,
        valid,
        epochs=20,
        exclude=["none"],  # it takes part in mixtures, but is never proposed
        weight_optimizer=partial(torch.optim.SGD, lr=0.2, momentum=0.9),
        gate_optimizer=partial(torch.optim.Adam, lr=0.03),
        seed=0,
    ):
        if epoch.epoch % 5 == 0:
            print(
                f"epoch {epoch.epoch} of {epoch.epochs}: mixture {epoch.valid_score:.3f}, "
                f"entropy of the gates {epoch.entropy:.2f}"
            )
    print(f"The supernet took {perf_counter() - started:.0f} s.\n")

    objective = Objective(Net, Train(train, valid, epochs=8))
    warm = create_study(direction="maximize", pruner=None, seed=0)
    warm_start(warm, supernet.proposals(SEEDS), user_attrs={"origin": "darts"})
    started = perf_counter()
    warm.optimize(objective, n_trials=TRIALS)
    print(f"{TRIALS} trials took {perf_counter() - started:.0f} s.")
    for trial in warm.trials:
        origin = trial.user_attrs.get("origin", "")
        cell = " ".join(trial.params[edge] for edge in EDGES)
        print(f"  trial {trial.number:2} {trial.value:.3f} {origin:5} {cell}")

    cold = create_study(direction="maximize", pruner=None, seed=0)
    cold.optimize(objective, n_trials=TRIALS)
    print(f"\nwarm: {told(warm)}\ncold: {told(cold)}")


if __name__ == "__main__":
    main()
