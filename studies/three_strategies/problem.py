"""The articles' problem: six decisions about a perceptron, and a curve that it has to learn.

What an architecture scores is a function of (its params, the seed): data, initial weights and
dropout come from the seed. So each is trained once for a seed, whichever methods ask for it.
"""

from __future__ import annotations

from collections.abc import Mapping
import csv
from functools import cached_property
import math
from pathlib import Path
from time import perf_counter
from typing import Any
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from optuna.trial import FixedTrial
import torch
from torch import nn

from optuna_nas import build
from optuna_nas import Rejected
from optuna_nas.space import Trial
from optuna_nas.training import fit
from optuna_nas.training import Recipe
from optuna_nas.training import score


EPOCHS = 50
ROWS, TRAIN = 1000, 800
NOISE = 0.5

Params = dict[str, Any]
Data = tuple[torch.Tensor, torch.Tensor]

ACTIVATIONS = {"relu": nn.ReLU, "leaky_relu": nn.LeakyReLU, "tanh": nn.Tanh}
OPTIMIZERS = {
    "adam": torch.optim.Adam,
    "sgd": torch.optim.SGD,
    "rmsprop": torch.optim.RMSprop,
}

SPACE: Mapping[str, tuple[Any, ...]] = {
    "width": (16, 32, 64),
    "depth": (1, 2, 3, 4, 5),
    "activation": tuple(ACTIVATIONS),
    "dropout": (0.0, 0.2, 0.4, 0.6),
    "lr": (1e-1, 1e-2, 1e-3, 1e-4),
    "optimizer": tuple(OPTIMIZERS),
}
TRAINING = ("lr", "optimizer")  # asked by the recipe, so no decision of the network


def network(trial: Trial) -> nn.Module:
    """A perceptron from ``[n, 1]`` to ``[n, 1]``, all of whose layers are alike."""
    width = trial.suggest_categorical("width", SPACE["width"])

    def layer(i: int) -> nn.Module:
        return nn.Sequential(
            nn.Linear(width if i else 1, width),
            trial.suggest_module("activation", ACTIVATIONS),
            nn.Dropout(trial.suggest_categorical("dropout", SPACE["dropout"])),
        )

    body = trial.suggest_repeat("depth", min(SPACE["depth"]), max(SPACE["depth"]), layer)
    return nn.Sequential(body, nn.Linear(width, 1))


def recipe(trial: Any, module: nn.Module) -> Recipe:
    """All rows in one batch, at a constant rate, as the articles train."""
    optimizer = OPTIMIZERS[trial.suggest_categorical("optimizer", SPACE["optimizer"])]
    lr = trial.suggest_categorical("lr", SPACE["lr"])
    return Recipe(optimizer(module.parameters(), lr=lr), batch_size=TRAIN)


def curve(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return 3 * np.sin(2 * x) + x**2 / 2


class Score(NamedTuple):
    """Of the network after its last epoch; infinite if training failed."""

    valid: float  # mean squared error on the validation rows: what searches see
    test: float  # likewise on rows without noise
    seconds: float


class Problem:
    """The data of a seed, and what has been trained on them.

    Called with (module, trial) it is an evaluator for an ``Objective``.
    """

    direction = "minimize"

    def __init__(self, seed: int, folder: Path | None = None) -> None:
        self.seed = seed
        self._path = None if folder is None else folder / f"{seed}.csv"
        rng = np.random.default_rng(seed)
        x = rng.uniform(-3, 3, ROWS)
        noisy = curve(x) + rng.normal(0, NOISE, ROWS)
        unseen = rng.uniform(-3, 3, ROWS)
        self.train = _tensors(x[:TRAIN], noisy[:TRAIN])
        self.valid = _tensors(x[TRAIN:], noisy[TRAIN:])
        self.test = _tensors(unseen, curve(unseen))

    def __call__(self, module: nn.Module, trial: Any) -> float:
        recipe(trial, module)
        found = self.score(trial.params)
        if math.isinf(found.valid):
            raise Rejected("loss is not finite")
        return found.valid

    def score(self, params: Mapping[str, Any]) -> Score:
        """What an architecture scores; trained only if it has not been."""
        key = tuple(str(params[name]) for name in SPACE)
        if key not in self._known:
            self._known[key] = found = self._trained(params)
            self._keep(key, found)
        return self._known[key]

    def fitted(self, module: nn.Module, params: Mapping[str, Any]) -> Score:
        """Trains a network, and says what it scores."""
        started = perf_counter()
        answers = FixedTrial(dict(params))
        try:
            fit(module, self.train, epochs=EPOCHS, recipe=recipe, trial=answers, seed=self.seed)
        except Rejected:
            return Score(math.inf, math.inf, perf_counter() - started)
        seconds = perf_counter() - started
        valid, test = (score(module, data, metric="mse") for data in (self.valid, self.test))
        if not (math.isfinite(valid) and math.isfinite(test)):
            return Score(math.inf, math.inf, seconds)
        return Score(valid, test, seconds)

    def _trained(self, params: Mapping[str, Any]) -> Score:
        structure = {name: params[name] for name in SPACE if name not in TRAINING}
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            return self.fitted(build(network, structure), params)

    @cached_property
    def _known(self) -> dict[tuple[str, ...], Score]:
        if self._path is None or not self._path.exists():
            return {}
        with self._path.open(newline="") as file:
            rows = [(row[: len(SPACE)], row[len(SPACE) :]) for row in csv.reader(file)]
        return {tuple(key): Score(*map(float, found)) for key, found in rows}

    def _keep(self, key: tuple[str, ...], found: Score) -> None:
        if self._path is not None:
            self._path.parent.mkdir(exist_ok=True)
            with self._path.open("a", newline="") as file:
                csv.writer(file).writerow([*key, *map(repr, found)])


def _tensors(x: NDArray[np.float64], y: NDArray[np.float64]) -> Data:
    rows = torch.tensor(np.stack([x, y]), dtype=torch.float32)[:, :, None]
    return rows[0], rows[1]
