"""The articles' algorithms as they are told there: small references to compare with.

A generational algorithm with elites and crossover, REINFORCE without a baseline, and a supernet
that mixes activations and takes the first. What is not known of the articles' code is a guess.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from problem import ACTIVATIONS
from problem import EPOCHS
from problem import Params
from problem import Problem
from problem import Score
from problem import SPACE
import torch
from torch import nn
from torch import Tensor
from torch.nn import functional as F


POPULATION, ELITES, PARENTS, MUTATION = 10, 2, 5, 0.2
LARGEST = 100.0  # a mean squared error above it counts as this, so that a reward is finite

MIDDLE: Params = {"width": 32, "dropout": 0.0, "optimizer": "adam", "lr": 1e-3}
"""What no supernet can mix, before it is searched: the middle width, Adam as torch has it."""


def drawn(rng: np.random.Generator, fixed: Mapping[str, Any] | None = None) -> Params:
    """Params uniformly at random, but for those that are fixed."""
    params = {name: options[rng.integers(len(options))] for name, options in SPACE.items()}
    return {**params, **(fixed or {})}


def evolution(problem: Problem, evaluations: int) -> list[Score]:
    """Generations: the best stay, the others are children of two of the better half."""
    rng = np.random.default_rng(problem.seed)
    members = [drawn(rng) for _ in range(POPULATION)]
    population = [(problem.score(member), member) for member in members]
    asked = [found for found, _ in population]
    while len(asked) < evaluations:
        population.sort(key=lambda member: member[0].valid)
        children = [_child(rng, population[:PARENTS]) for _ in range(POPULATION - ELITES)]
        new = [(problem.score(child), child) for child in children]
        asked += [found for found, _ in new]
        population = population[:ELITES] + new
    return asked[:evaluations]


def _child(rng: np.random.Generator, parents: list[tuple[Score, Params]]) -> Params:
    first, second = rng.choice(len(parents), 2, replace=False)
    stranger = drawn(rng)
    child = {}
    for name in SPACE:
        child[name] = parents[first if rng.random() < 0.5 else second][1][name]
        if rng.random() < MUTATION:
            child[name] = stranger[name]
    return child


def reinforce(problem: Problem, evaluations: int) -> list[Score]:
    """A recurrent controller; an episode is one architecture, rewarded by its negative error."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(problem.seed)
        controller = _Controller()
        optimizer = torch.optim.Adam(controller.parameters(), lr=0.01)
        asked = []
        for _ in range(evaluations):
            params, log_probability = controller.draw()
            asked.append(problem.score(params))
            reward = -min(asked[-1].valid, LARGEST)
            optimizer.zero_grad()
            (-log_probability * reward).backward()
            optimizer.step()
    return asked


class _Controller(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.cell = nn.RNNCell(1, 64)
        self.heads = nn.ModuleList(nn.Linear(64, len(options)) for options in SPACE.values())

    def draw(self) -> tuple[Params, Tensor]:
        """Params and the logarithm of their probability."""
        params, total = {}, torch.zeros(())
        answer, state = torch.zeros(1, 1), torch.zeros(1, 64)
        for (name, options), head in zip(SPACE.items(), self.heads, strict=True):
            state = self.cell(answer, state)
            decision = torch.distributions.Categorical(logits=head(state)[0])
            choice = decision.sample()
            params[name], total = options[int(choice)], total + decision.log_prob(choice)
            answer = choice.float().reshape(1, 1)
        return params, total


def supernet(problem: Problem) -> Params:
    """Trains weights and gates at once on the training rows, and takes the first activation."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(problem.seed)
        mixture = _Mixture(MIDDLE["width"], depth=3)
        optimizer = torch.optim.Adam(mixture.parameters(), lr=MIDDLE["lr"])
        x, y = problem.train
        for _ in range(EPOCHS):
            optimizer.zero_grad()
            F.mse_loss(mixture(x), y).backward()
            optimizer.step()
    return {**MIDDLE, "depth": len(mixture.gates), "activation": next(iter(ACTIVATIONS))}


class _Mixture(nn.Module):
    """Layers whose activation is a mixture of all."""

    def __init__(self, width: int, depth: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(width if i else 1, width) for i in range(depth))
        self.gates = nn.Parameter(torch.zeros(depth, len(ACTIVATIONS)))
        self.activations = nn.ModuleList(activation() for activation in ACTIVATIONS.values())
        self.head = nn.Linear(width, 1)

    def forward(self, x: Tensor) -> Tensor:
        for layer, gate in zip(self.layers, self.gates, strict=True):
            x = layer(x)
            weights = gate.softmax(0)
            x = sum(w * f(x) for w, f in zip(weights, self.activations, strict=True))
        return self.head(x)
