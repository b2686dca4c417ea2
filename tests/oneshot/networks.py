"""Networks with every kind of decision, nested and shared, to make supernets of."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch import Tensor

from optuna_nas.space import Trial


WIDTH = 6


class Cell(nn.Module):
    """A node of 2 of 3 inputs, each through an operation, one of which asks further."""

    def __init__(self, trial: Trial) -> None:
        super().__init__()

        def wide() -> nn.Module:
            at = trial.scope("wide")
            inner = at.suggest_module("a.type", {"keys": nn.Tanh, "tr.ain": scaled})
            width = at.suggest_int("width", 2, 8)
            return nn.Sequential(nn.Linear(WIDTH, width), inner, nn.Linear(width, WIDTH))

        def edge(i: int) -> nn.Module:
            options = {"linear": scaled, "none": nn.Identity, "wide": wide}
            return trial.suggest_module(f"op{i}", options)

        self.node = trial.suggest_inputs("node", 3, 2, edge)

    def forward(self, x: Tensor) -> Tensor:
        return self.node([x, x.sin(), x.cos()])


class Scale(nn.Module):
    """A weight, a buffer that is saved and one that is not."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(()))
        self.register_buffer("saved", torch.randn(()))
        self.register_buffer("not_saved", torch.randn(()), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.weight + self.saved * self.not_saved


def scaled() -> nn.Module:
    return Scale()


class Sketch(nn.Module):
    """Cells that share their decisions, a repeat of no block or more, a module held twice."""

    def __init__(self, trial: Trial) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Linear(4, WIDTH), nn.BatchNorm1d(WIDTH))
        self.cells = nn.ModuleList(Cell(trial) for _ in range(2))
        twice = trial.suggest_module("twice", {"linear": square, "scaled": scaled})
        self.first = self.again = twice
        self.in_a_list_too = [twice]

        def block(i: int) -> nn.Module:
            at = trial.scope(f"block{i}")
            norms = {"batch": lambda: nn.BatchNorm1d(WIDTH), "layer": lambda: nn.LayerNorm(WIDTH)}
            norm = at.suggest_module("norm", norms)
            return nn.Sequential(square(), norm, nn.ReLU(), nn.Dropout(0.3))

        self.body = trial.suggest_repeat("depth", 0, 3, block)
        self.head = nn.Linear(WIDTH, 2)
        self.head.bias = self.stem[0].bias = nn.Parameter(torch.randn(1))  # one for both

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for cell in self.cells:
            x = x + cell(x)
        x = self.first(x) + self.in_a_list_too[0](x)
        return self.head(self.body(x))


def square() -> nn.Module:
    return nn.Linear(WIDTH, WIDTH)


SKETCH_VALUES = {"wide/width": 3}


def choice(trial: Trial) -> nn.Module:
    """One module of two, and the network is that."""
    return trial.suggest_module("op", {"linear": lambda: nn.Linear(4, 4), "scaled": scaled})


def chain(trial: Trial) -> nn.Module:
    """One repeat of linear layers."""
    return trial.suggest_repeat("depth", 1, 3, lambda i: nn.Linear(4, 4))


class Sum(nn.Module):
    """One node of 2 of 4 inputs, which it makes of its input."""

    def __init__(self, trial: Trial) -> None:
        super().__init__()
        self.node = trial.suggest_inputs("node", 4, 2, lambda i: nn.Linear(4, 4))

    def forward(self, x: Tensor) -> Tensor:
        return self.node([x, x.sin(), x.cos(), x.exp()])


class Choice:
    """A decision ``op`` among modules that a test gives."""

    def __init__(self, **options: object) -> None:
        self.options = options

    def __call__(self, trial: Trial) -> nn.Module:
        return nn.Sequential(trial.suggest_module("op", self.options))  # type: ignore[arg-type]


class Fewer(nn.Module):
    """Gives a node fewer inputs than it was asked for."""

    def __init__(self, trial: Trial) -> None:
        super().__init__()
        self.node = trial.suggest_inputs("node", 3, 2, lambda i: nn.Identity())

    def forward(self, x: Tensor) -> Tensor:
        states: Sequence[Tensor] = [x, x]
        return self.node(states)
