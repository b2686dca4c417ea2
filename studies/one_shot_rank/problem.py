"""The search space, its sample of architectures, the data, and what it costs to train on them."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch import Tensor

from optuna_nas import build
from optuna_nas import spaces
from optuna_nas import survey
from optuna_nas.training import default_recipe
from optuna_nas.training import generator_for
from optuna_nas.training import score
from optuna_nas.training import train_epochs


Data = tuple[Tensor, Tensor]
Params = dict[str, Any]

NETWORK = spaces.NASBench201(channels=8, cells=1, in_channels=1)
ARCHITECTURES = 30
TRAIN_ROWS = 500
VALID_ROWS = 1000
EPOCHS = 10  # of one architecture on its own


@cache
def data(path: Path) -> tuple[Data, Data]:
    """Two parts of the file's training part, shuffled once, with mean 0 and deviation 1."""
    with np.load(path) as arrays:
        x = torch.from_numpy(arrays["x_train"]).float()[:, None]
        y = torch.from_numpy(arrays["y_train"]).long()
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(0))
    x, y = (x[order] - x.mean()) / x.std(), y[order]
    end = TRAIN_ROWS + VALID_ROWS
    return (x[:TRAIN_ROWS], y[:TRAIN_ROWS]), (x[TRAIN_ROWS:end], y[TRAIN_ROWS:end])


@cache
def sample() -> tuple[Params, ...]:
    """Architectures drawn at random that differ and lead from the input to the output."""
    choices = {name: d.choices for name, d in survey(NETWORK).search_space.items()}
    rng = np.random.default_rng(0)
    drawn: list[Params] = []
    while len(drawn) < ARCHITECTURES:
        params = {name: str(rng.choice(options)) for name, options in choices.items()}
        if params not in drawn and connected(params):
            drawn.append(params)
    return tuple(drawn)


def connected(params: Params) -> bool:
    """Whether anything of the cell's input comes to its output: any score tells the others."""
    reached = {0}
    for edge in sorted(params, key=lambda edge: edge[-1]):
        if params[edge] != "none" and int(edge[0]) in reached:
            reached.add(int(edge[-1]))
    return 3 in reached


def scores(module: nn.Module, path: Path) -> dict[str, float]:
    """What it scores on the validation part; of both, more is better."""
    _, valid = data(path)
    return {"loss": -score(module, valid, "loss"), "accuracy": score(module, valid)}


def stand_alone(params: Params, seed: int, path: Path) -> nn.Module:
    """An architecture trained on its own."""
    torch.manual_seed(seed)
    module = build(NETWORK, params)
    recipe = default_recipe(None, module)
    generator = generator_for(seed, 0)
    train, _ = data(path)
    for _ in train_epochs(module, train, recipe=recipe, epochs=EPOCHS, generator=generator):
        pass
    return module
