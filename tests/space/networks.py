"""Small search spaces that several tests share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from optuna_nas.space import Trial


class Net(nn.Module):
    """Repeats, a nested module, floats: the example of the README."""

    def __init__(self, trial: Trial) -> None:
        super().__init__()
        width = trial.suggest_int("width", 16, 64, step=16)
        self.stem = nn.Linear(20, width)

        def block(i: int) -> nn.Module:
            at = trial.scope(f"block{i}")
            act = at.suggest_module("act", {"relu": nn.ReLU, "gelu": nn.GELU, "none": nn.Identity})
            dropout = nn.Dropout(at.suggest_float("dropout", 0.0, 0.5))
            return nn.Sequential(nn.Linear(width, width), act, dropout)

        self.body = trial.suggest_repeat("depth", 1, 3, block)
        self.head = nn.Linear(width, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.body(self.stem(x)))


def article(trial: Trial) -> nn.Module:
    """The flat space of the two articles: 3,600 architectures."""
    trial.suggest_int("num_hidden_layers", 1, 5)
    trial.suggest_categorical("hidden_layer_size", [32, 64, 128, 256, 512])
    trial.suggest_categorical("activation_function", ["ReLU", "LeakyReLU", "Tanh"])
    trial.suggest_categorical("learning_rate", [0.1, 0.01, 0.001, 0.0001])
    trial.suggest_categorical("optimizer", ["Adam", "SGD", "RMSprop"])
    trial.suggest_categorical("dropout_rate", [0, 0.2, 0.4, 0.6])
    return nn.Identity()


def cell(trial: Trial) -> nn.Module:
    """Four nodes of two branches, each an input and an operation: 5,625,000,000 architectures."""
    operations = dict.fromkeys(("sep", "dil", "max", "avg", "skip"), nn.Identity)
    for node in range(4):
        for branch in range(2):
            at = trial.scope(f"node{node}/branch{branch}")
            at.suggest_categorical("input", list(range(2 + node)))
            at.suggest_module("op", operations)
    return nn.Identity()


class Program:
    """A search space written as data: each decision with the answers that it depends on."""

    def __init__(self, decisions: list[tuple[int, tuple[int, ...], set[tuple[int, ...]]]]) -> None:
        self.decisions = decisions

    def __call__(self, trial: Trial) -> nn.Module:
        answers: dict[int, int] = {}
        for i, (options, parents, asked_for) in enumerate(self.decisions):
            if self._asked(answers, parents, asked_for):
                answers[i] = trial.suggest_categorical(f"d{i}", list(range(options)))
        return nn.Identity()

    def architectures(self, answers: dict[int, int] | None = None, i: int = 0) -> Iterator[Any]:
        """Every architecture, by brute force."""
        answers = answers or {}
        if i == len(self.decisions):
            yield dict(answers)
            return
        options, parents, asked_for = self.decisions[i]
        if not self._asked(answers, parents, asked_for):
            yield from self.architectures(answers, i + 1)
            return
        for answer in range(options):
            yield from self.architectures({**answers, i: answer}, i + 1)

    @staticmethod
    def _asked(
        answers: dict[int, int], parents: tuple[int, ...], asked_for: set[tuple[int, ...]]
    ) -> bool:
        return not parents or tuple(answers.get(p, -1) for p in parents) in asked_for
