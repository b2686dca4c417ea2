"""Draws the pictures of docs/plots.md again: ``python docs/pictures/plots.py``, some minutes.

All are of searches on scikit-learn's digits, on one thread of the CPU.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import optuna
from sklearn.datasets import load_digits
import torch
from torch import nn
from torch import Tensor

from optuna_nas import build
from optuna_nas import create_study
from optuna_nas import metrics
from optuna_nas import Objective
from optuna_nas import oneshot
from optuna_nas import SampledTrial
from optuna_nas import samplers
from optuna_nas import spaces
from optuna_nas import Supernet
from optuna_nas import Train
from optuna_nas import visualization as plots


HERE = Path(__file__).parent
SEEDS = range(5)
TRIALS = 60
NETWORKS = 30

Rows = tuple[Tensor, Tensor]


class Chain(nn.Module):
    """Three decisions about layers, of which some options have no parameters."""

    def __init__(self, trial: Any) -> None:
        super().__init__()
        options: dict[str, Callable[[], nn.Module]] = {
            "skip": nn.Identity,
            "relu": nn.ReLU,
            "linear": lambda: nn.Linear(32, 32),
            "linear, relu": lambda: nn.Sequential(nn.Linear(32, 32), nn.ReLU()),
        }
        self.stem = nn.Linear(64, 32)
        self.layers = nn.ModuleList(trial.suggest_module(f"layer{i}", options) for i in range(3))
        self.head = nn.Linear(32, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for layer in self.layers:
            x = layer(x)
        return self.head(x)  # type: ignore[no-any-return]


def digits() -> tuple[Rows, Rows]:
    X, y = load_digits(return_X_y=True)
    inputs, targets = torch.tensor(X / 16, dtype=torch.float32), torch.tensor(y)
    return (inputs[:600], targets[:600]), (inputs[600:1000], targets[600:1000])


def images(rows: Rows) -> Rows:
    return rows[0].reshape(-1, 1, 8, 8), rows[1]


def evolved(seed: int) -> samplers.RegularizedEvolutionSampler:
    return samplers.RegularizedEvolutionSampler(seed=seed)


def compared(train: Rows, valid: Rows) -> dict[str, list[optuna.Study]]:
    """MLPs, each search with several seeds."""
    network = spaces.MLP(in_features=64, out_features=10)
    makers: dict[str, Callable[[int], Any]] = {
        "evolution": evolved,
        "TPE": lambda seed: optuna.samplers.TPESampler(seed=seed),
        "random": lambda seed: samplers.RandomSampler(seed=seed),
    }
    found: dict[str, list[optuna.Study]] = {}
    for name, make in makers.items():
        for seed in SEEDS:
            study = create_study(direction="maximize", sampler=make(seed), pruner=None, seed=seed)
            study.optimize(Objective(network, Train(train, valid, epochs=3)), n_trials=TRIALS)
            found.setdefault(name, []).append(study)
    return found


def two_objectives(train: Rows, valid: Rows) -> optuna.Study:
    """CNNs that are to be accurate and fast, and not too large."""
    network = spaces.CNN(input_shape=(1, 8, 8), num_classes=10)
    latency = metrics.Latency(images(valid)[0][:1])
    study = create_study(directions=["maximize", "minimize"], sampler=evolved(0), seed=0)
    objective = Objective(
        network,
        Train(images(train), images(valid), epochs=2),
        latency,
        constraints=[metrics.Parameters() <= 400_000],
    )
    study.optimize(objective, n_trials=TRIALS)
    return study


def searched(train: Rows, valid: Rows) -> list[oneshot.SearchEpoch]:
    torch.manual_seed(0)
    epochs = oneshot.darts(
        Supernet(Chain),
        train,
        valid,
        epochs=30,
        seed=0,
        weight_optimizer=partial(torch.optim.SGD, lr=0.1, momentum=0.9),
        gate_optimizer=partial(torch.optim.Adam, lr=0.03),
    )
    return list(epochs)


def table(valid: Rows) -> metrics.LatencyTable:
    network = spaces.CNN(input_shape=(1, 8, 8), num_classes=10)
    study = optuna.create_study(sampler=samplers.RandomSampler(seed=0))
    drawn = []
    for _ in range(NETWORKS):
        trial = study.ask()
        network(SampledTrial(trial))
        drawn.append(build(network, trial.params))
    return metrics.LatencyTable.learn(drawn, metrics.Latency(images(valid)[0][:1]))


def save(name: str, figure: Any) -> None:
    plots.to_matplotlib(figure).savefig(HERE / f"plot_{name}.png", dpi=96)


def main() -> None:
    torch.set_num_threads(1)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    train, valid = digits()
    save("supernet", plots.plot_supernet(searched(train, valid)))
    studies = compared(train, valid)
    one = studies["evolution"][1]
    control = studies.pop("random")
    save("anytime", plots.plot_anytime(studies, control=control))
    save("decisions", plots.plot_decisions(one))
    save("importance", plots.plot_importance(control[0]))
    save("genealogy", plots.plot_genealogy(one))
    save("front", plots.plot_pareto_front(two_objectives(train, valid)))
    save("latency", plots.plot_latency(table(valid)))


if __name__ == "__main__":
    main()
