"""Small data, a small network, recipes, and a trial that remembers what it was told."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.utils.data import Dataset
from torch.utils.data import IterableDataset

from optuna_nas.training import Recipe
from optuna_nas.training import Train


class Trial:
    def __init__(self, number: int = 0, prune_at: int | None = None) -> None:
        self.number = number
        self.prune_at = prune_at
        self.reports: dict[int, float] = {}
        self.user_attrs: dict[str, Any] = {}

    def report(self, value: float, step: int) -> None:
        self.reports[step] = value

    def should_prune(self) -> bool:
        return self.prune_at is not None and max(self.reports) >= self.prune_at

    def set_user_attr(self, key: str, value: Any) -> None:
        self.user_attrs[key] = value


class Listed(Dataset[Any]):
    """A dataset that is no TensorDataset, and counts how often it was read."""

    def __init__(self, *columns: Any) -> None:
        self.rows = list(zip(*columns, strict=True))
        self.reads = 0

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, i: int) -> Any:
        self.reads += 1
        return self.rows[i]


class Stream(IterableDataset[Any]):
    """Seventy rows without a length."""

    def __iter__(self) -> Iterator[Any]:
        x, y = blobs(70)
        return iter(list(zip(x, y, strict=True)))


def blobs(rows: int = 90, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Two classes, well apart."""
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.arange(rows) % 2)
    return rng.normal(size=(rows, 4)) + 3.0 * y[:, None], y


def line(rows: int = 90) -> tuple[np.ndarray, np.ndarray]:
    """A linear function."""
    x = np.random.default_rng(0).normal(size=(rows, 4))
    return x, x @ np.array([1.0, -2.0, 0.5, 0.0])


def net(inputs: int = 4, outputs: int = 2) -> nn.Module:
    """The same weights each time."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(inputs, 16), nn.ReLU(), nn.Linear(16, outputs))


def weights(module: nn.Module) -> torch.Tensor:
    return nn.utils.parameters_to_vector(module.parameters()).detach().clone()


def sgd(lr: float, **rest: Any) -> Callable[[Any, nn.Module], Recipe]:
    return lambda trial, module: Recipe(torch.optim.SGD(module.parameters(), lr=lr), **rest)


def train(**rest: Any) -> Train:
    """Trains on the blobs."""
    return Train(blobs(), blobs(60, seed=1), **{"epochs": 3, "device": "cpu", **rest})
