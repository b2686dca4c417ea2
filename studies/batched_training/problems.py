"""What is trained both ways: small perceptrons, each shipped space, and small CNNs for a GPU."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from typing import Any

import numpy as np
from sklearn.datasets import load_digits
from torch import nn

from optuna_nas import spaces
from optuna_nas.space import Network
from optuna_nas.training import Recipe
from optuna_nas.training._recipe import adamw


TRAIN = 1077
Rows = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Problem:
    """A space, how long its candidates are trained, and how many there are.

    Args:
        network:
            The space.
        shape:
            What a row of the digits is shaped like.
        epochs:
            Of each candidate, 17 steps of 64 rows each.
        trials:
            In one batch.
        bar:
            How many times as fast it has to be; 1 is never slower.
        params:
            What all candidates share.
    """

    network: Network
    shape: tuple[int, ...] = (64,)
    epochs: int = 20
    trials: int = 32
    bar: float = 1.0
    params: Mapping[str, Any] = field(default_factory=dict)

    def data(self) -> tuple[Rows, Rows]:
        """Digits: 60 % to train on, 20 % to score on."""
        X, y = load_digits(return_X_y=True)
        X = (X / 16).astype("float32").reshape(-1, *self.shape)
        order = np.random.default_rng(0).permutation(len(X))
        first, second = order[:TRAIN], order[TRAIN : TRAIN + 360]
        return (X[first], y[first]), (X[second], y[second])


def recipe(trial: Any, module: nn.Module) -> Recipe:
    """Each candidate has a learning rate and a weight decay of its own."""
    lr = trial.suggest_float("lr", 1e-3, 1e-2, log=True)
    decay = trial.suggest_float("weight_decay", 1e-4, 0.1, log=True)
    return Recipe(adamw(module.parameters(), lr=lr, weight_decay=decay))


def perceptrons(**rest: Any) -> spaces.MLP:
    """Two hidden layers, each of its own width up to 64."""
    plain: dict[str, Any] = {"norms": ["none"], "activations": ["relu"], "residual": [False]}
    given = {"widths": (16, 32, 48, 64), "shared_width": False, "dropouts": [0.0], **plain}
    return spaces.MLP(64, 10, 2, 2, **{**given, **rest})


IMAGE = (1, 8, 8)
SHIPPED: dict[str, tuple[Network, tuple[int, ...], int]] = {
    "MLP": (spaces.MLP(64, 10), (64,), 8),
    "CNN": (spaces.CNN(IMAGE, 10), IMAGE, 6),
    "NASBench201": (spaces.NASBench201(channels=4, cells=1, in_channels=1), IMAGE, 6),
    "DARTS": (spaces.DARTS(channels=4, layers=3, in_channels=1, nodes=2), IMAGE, 6),
    "Hierarchical": (spaces.Hierarchical(10, channels=4, in_channels=1), IMAGE, 6),
    "RNN": (spaces.RNN(8, 10, hidden=(16, 32)), (8, 8), 6),
    "Transformer": (spaces.Transformer(IMAGE, 10, widths=(16, 32), max_depth=2), IMAGE, 6),
    "MobileNet": (
        spaces.MobileNet(
            in_channels=1, stages=((8, 1), (16, 2)), max_depth=2, stem_channels=8, head_channels=32
        ),
        IMAGE,
        6,
    ),
    "Tabular": (spaces.Tabular(64, (), 10, ensembles=(1, 8), max_depth=2), (64,), 6),
}

PROBLEMS = {
    "perceptrons, widths 16 to 64": Problem(perceptrons(), bar=3.0),
    "perceptrons, with rates of dropout": Problem(perceptrons(dropouts=[0.0, 0.1, 0.2, 0.3])),
    "perceptrons, one width": Problem(perceptrons(widths=[64])),
    **{
        name: Problem(network, shape, epochs, trials=16)
        for name, (network, shape, epochs) in SHIPPED.items()
    },
}
"""Random candidates."""

ONE_ARCHITECTURE = {
    f"{name}, one architecture": Problem(network, shape, epochs, trials=16)
    for name, (network, shape, epochs) in SHIPPED.items()
}
"""The first random candidate of a space, with other learning rates, decays and weights."""

ON_GPU = {
    "64 small CNNs": Problem(
        spaces.CNN(IMAGE, 10, 2, 2, 1, (16,), (3,), ("conv",), pools=("max",), skips=(False,)),
        IMAGE,
        trials=64,
        bar=20.0,
    )
}
