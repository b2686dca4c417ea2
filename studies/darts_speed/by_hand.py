"""DARTS of first order, transcribed from the paper in plain torch: what ours is timed against.

Only the operations are ours, so that both do the same arithmetic. Liu et al. 2019,
https://arxiv.org/abs/1806.09055, sec. 2 and alg. 1::

    o(i,j) = sum over operations o of softmax(alpha(i,j))_o * o(x_i)           (eq. 2)
    x_j    = sum over i < j of o(i,j)(x_i)                                     (eq. 1)
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from math import cos
from math import pi

import torch
from torch import nn
from torch import Tensor
from torch.nn import functional as F

from optuna_nas import ops


NODES = 4
EDGES = sum(range(2, 2 + NODES))


def relu_conv_bn(inputs: int, outputs: int) -> nn.Module:
    conv = nn.Conv2d(inputs, outputs, 1, bias=False)
    return nn.Sequential(nn.ReLU(), conv, nn.BatchNorm2d(outputs, affine=False))


class MixedOp(nn.Module):
    def __init__(self, channels: int, stride: int) -> None:
        super().__init__()
        made = ops.darts_operations(channels, stride, affine=False)
        self.operations = nn.ModuleList(make() for make in made.values())

    def forward(self, x: Tensor, weights: Sequence[Tensor]) -> Tensor:
        return sum(w * op(x) for w, op in zip(weights, self.operations, strict=True))


class Cell(nn.Module):
    def __init__(
        self, before_last: int, last: int, channels: int, reduction: bool, halve: bool
    ) -> None:
        super().__init__()
        reduce = ops.FactorizedReduction(before_last, channels, affine=False)
        self.first = reduce if halve else relu_conv_bn(before_last, channels)
        self.second = relu_conv_bn(last, channels)
        self.edges = nn.ModuleList(
            MixedOp(channels, 2 if reduction and i < 2 else 1)
            for j in range(2, 2 + NODES)
            for i in range(j)
        )

    def forward(
        self, before_last: Tensor, last: Tensor, weights: Sequence[Sequence[Tensor]]
    ) -> Tensor:
        states = [self.first(before_last), self.second(last)]
        edges = iter(zip(self.edges, weights, strict=True))
        for _ in range(NODES):
            taken = [next(edges) for _ in states]
            states.append(sum(e(x, w) for (e, w), x in zip(taken, states, strict=True)))
        return torch.cat(states[2:], dim=1)


class SearchNetwork(nn.Module):
    """Takes images, gives logits; normal cells share one alpha, reduction cells another."""

    def __init__(self, channels: int, layers: int, num_classes: int = 10) -> None:
        super().__init__()
        width = 3 * channels
        self.stem = nn.Sequential(
            nn.Conv2d(3, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)
        )
        before_last, last, halve = width, width, False
        self.cells = nn.ModuleList()
        self.reductions = [layer in (layers // 3, 2 * layers // 3) for layer in range(layers)]
        for reduction in self.reductions:
            channels *= 2 if reduction else 1
            self.cells.append(Cell(before_last, last, channels, reduction, halve))
            before_last, last, halve = last, NODES * channels, reduction
        self.head = nn.Linear(last, num_classes)
        count = len(ops.darts_operations(1))
        self.alphas = nn.ParameterList(1e-3 * torch.randn(EDGES, count) for _ in range(2))
        self.to(memory_format=torch.channels_last)  # as ours

    def weights(self) -> list[nn.Parameter]:
        return [w for name, w in self.named_parameters() if not name.startswith("alphas")]

    def forward(self, x: Tensor) -> Tensor:
        mixing = [[list(edge) for edge in alpha.softmax(-1)] for alpha in self.alphas]
        before_last = last = self.stem(x)
        for cell, reduction in zip(self.cells, self.reductions, strict=True):
            before_last, last = last, cell(before_last, last, mixing[reduction])
        return self.head(F.adaptive_avg_pool2d(last, 1).flatten(1))


Data = tuple[Tensor, Tensor]


def search(
    net: SearchNetwork, train: Data, valid: Data, epochs: int, batch: int
) -> Iterator[float]:
    """Alg. 1 with the paper's optimizers; yields the validation accuracy of each epoch."""
    weights, alphas = net.weights(), list(net.alphas)
    sgd = torch.optim.SGD(weights, lr=0.025, momentum=0.9, weight_decay=3e-4)
    adam = torch.optim.Adam(alphas, lr=3e-4, betas=(0.5, 0.999), weight_decay=1e-3)
    for epoch in range(epochs):
        sgd.param_groups[0]["lr"] = 0.001 + 0.012 * (1 + cos(pi * epoch / epochs))
        net.train()
        for (x, y), held_out in zip(batches(train, batch), batches(valid, batch), strict=True):
            loss = F.cross_entropy(net(held_out[0]), held_out[1])
            set_gradients(alphas, torch.autograd.grad(loss, alphas))
            adam.step()
            loss = F.cross_entropy(net(x), y)
            set_gradients(weights, torch.autograd.grad(loss, weights, allow_unused=True))
            nn.utils.clip_grad_norm_(weights, 5.0)
            sgd.step()
        yield accuracy(net, valid, batch)


def set_gradients(parameters: Sequence[Tensor], slopes: Sequence[Tensor | None]) -> None:
    for parameter, slope in zip(parameters, slopes, strict=True):
        parameter.grad = slope


def batches(data: Data, size: int) -> Iterator[Data]:
    x, y = data
    for rows in torch.randperm(len(x), device=x.device).split(size):
        yield x[rows], y[rows]


def accuracy(net: Callable[[Tensor], Tensor], valid: Data, batch: int) -> float:
    assert isinstance(net, nn.Module)
    net.eval()
    with torch.no_grad():
        hits = [
            (net(x).argmax(1) == y).sum()
            for x, y in zip(valid[0].split(batch), valid[1].split(batch), strict=True)
        ]
    return float(sum(hits)) / len(valid[1])
