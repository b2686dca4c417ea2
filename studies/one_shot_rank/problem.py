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
from optuna_nas import ops
from optuna_nas import survey
from optuna_nas.space import Trial
from optuna_nas.training import default_recipe
from optuna_nas.training import generator_for
from optuna_nas.training import score
from optuna_nas.training import train_epochs


Data = tuple[Tensor, Tensor]
Params = dict[str, Any]

EDGES = ("0>1", "0>2", "1>2", "0>3", "1>3", "2>3")
CHANNELS = 8
ARCHITECTURES = 30
TRAIN_ROWS = 500
VALID_ROWS = 1000
EPOCHS = 20  # of one architecture on its own


class Cell(nn.Module):
    """Four nodes, each the sum of what comes along its edges, as in NAS-Bench-201."""

    def __init__(self, trial: Trial) -> None:
        super().__init__()
        operations = ops.nasbench201_operations(CHANNELS)
        self.edges = nn.ModuleList(trial.suggest_module(edge, operations) for edge in EDGES)

    def forward(self, x: Tensor) -> Tensor:
        edges, nodes = iter(self.edges), [x]
        for _ in range(3):
            nodes.append(sum(next(edges)(before) for before in nodes))
        return nodes[-1]


def network(trial: Trial) -> nn.Module:
    """Three cells, between them pooling only: what the cells do not learn, nothing learns."""
    stem = nn.Conv2d(1, CHANNELS, 3, padding=1, bias=False), nn.BatchNorm2d(CHANNELS)
    cells = [Cell(trial) for _ in range(3)]
    body = cells[0], nn.MaxPool2d(2), cells[1], nn.MaxPool2d(2), cells[2]
    head = nn.BatchNorm2d(CHANNELS), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    return nn.Sequential(*stem, *body, *head, nn.Linear(CHANNELS, 10))


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
    choices = {name: d.choices for name, d in survey(network).search_space.items()}
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
    for edge in EDGES:  # in the order of the nodes that they lead to
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
    module = build(network, params)
    recipe = default_recipe(None, module)
    generator = generator_for(seed, 0)
    train, _ = data(path)
    for _ in train_epochs(module, train, recipe=recipe, epochs=EPOCHS, generator=generator):
        pass
    return module
