"""Ways to score all architectures of the sample, from one training of shared weights or none.

What is equal is the number of sample passes: how often a row goes forward and backward through one
path. Few-shot spends half of them before the split, and the rest on five parts alike.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import problem
import torch

from optuna_nas import build
from optuna_nas import metrics
from optuna_nas import Supernet
from optuna_nas.oneshot import FewShot
from optuna_nas.oneshot import train_supernet


EPOCHS = 100  # with one path a batch
SPLIT = "0>1"  # the first decision, chosen before anything was measured

Scores = dict[str, list[float]]
Found = dict[str, Any]


def untrained(path: Path, seed: int) -> Found:
    """Random shared weights, with batch normalizations fitted to the training part."""
    return _scored(_supernet(seed), path, epochs=0, seconds=0.0)


def uniform(path: Path, seed: int) -> Found:
    """One path a batch."""
    return _whole(path, seed, "uniform", EPOCHS)


def fair(path: Path, seed: int) -> Found:
    """Five paths a batch, so a fifth of the epochs, and of the steps."""
    return _whole(path, seed, "fair", EPOCHS // 5)


def few_shot(path: Path, seed: int) -> Found:
    """Half of the passes for the whole, then a tenth for each of its five parts."""
    train, _ = problem.data(path)
    supernet, started = _supernet(seed), perf_counter()
    _run(supernet, train, "uniform", EPOCHS // 2, seed)
    split = FewShot(supernet, SPLIT)
    for part in split.supernets.values():
        _run(part, train, "uniform", EPOCHS // 10, seed)
    return _scored(split, path, EPOCHS, perf_counter() - started)


def parameters(path: Path, seed: int) -> Found:
    """The number of parameters."""
    return _counted(metrics.Parameters())


def flops(path: Path, seed: int) -> Found:
    """The number of FLOPs for one image."""
    return _counted(metrics.Flops(torch.zeros(1, 1, 16, 16)))


SEEDED: dict[str, Callable[[Path, int], Found]] = {
    "uniform": uniform,
    "fair": fair,
    "few-shot": few_shot,
    "untrained": untrained,
}
FIXED = {"parameters": parameters, "flops": flops}


def _whole(path: Path, seed: int, paths: str, epochs: int) -> Found:
    train, _ = problem.data(path)
    supernet, started = _supernet(seed), perf_counter()
    _run(supernet, train, paths, epochs, seed)
    return _scored(supernet, path, EPOCHS, perf_counter() - started)


def _supernet(seed: int) -> Supernet:
    torch.manual_seed(seed)
    return Supernet(problem.network)


def _run(supernet: Supernet, train: problem.Data, paths: str, epochs: int, seed: int) -> None:
    for _ in train_supernet(supernet, train, epochs=epochs, paths=paths, seed=seed):
        pass


def _scored(supernet: Supernet | FewShot, path: Path, epochs: int, seconds: float) -> Found:
    (x, _), _ = problem.data(path)
    found: Scores = {"loss": [], "accuracy": []}
    for params in problem.sample():
        module = supernet.derive(params, recalibrate=x.split(250))
        for metric, value in problem.scores(module, path).items():
            found[metric].append(value)
    return {"scores": found, "passes": epochs * problem.TRAIN_ROWS, "seconds": seconds}


def _counted(metric: metrics.Metric) -> Found:
    values = [metric.measure(build(problem.network, params)) for params in problem.sample()]
    return {"scores": {"loss": values, "accuracy": values}, "passes": 0, "seconds": 0.0}
