"""NAS-Bench-201's network for PC-DARTS: operations see a part of the channels."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from table import EDGES
from torch import nn
from torch import Tensor

from optuna_nas import ops
from optuna_nas.oneshot import PartialChannels
from optuna_nas.space import Trial


@dataclass(frozen=True)
class PartialNASBench201:
    """As ``spaces.NASBench201``, with its decisions, but one channel in k goes through an edge.

    Xu et al. 2020, https://arxiv.org/abs/1907.05737, sec. 3.2. There is no edge normalization,
    since all nodes of this space take all of their inputs.
    """

    channels: int
    cells: int
    k: int = 4

    def __call__(self, trial: Trial) -> nn.Module:
        width = self.channels
        body: list[nn.Module] = [ops.conv_bn(3, width, 3)]
        for stage in range(3):
            if stage > 0:
                body.append(ops.residual_reduction(width))
                width *= 2
            body.extend(Cell(self._edges(trial, width)) for _ in range(self.cells))
        head = (nn.BatchNorm2d(width), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
        return nn.Sequential(*body, *head, nn.Linear(width, 10))

    def _edges(self, trial: Trial, width: int) -> list[nn.Module]:
        def operation(channels: int, name: str) -> nn.Module:
            return trial.suggest_module(name, ops.nasbench201_operations(channels))

        return [PartialChannels(partial(operation, name=name), width, self.k) for name in EDGES]


class Cell(nn.Module):
    """Four nodes, each the sum of what comes along its edges; takes the first, gives the last."""

    def __init__(self, edges: list[nn.Module]) -> None:
        super().__init__()
        self.edges = nn.ModuleList(edges)

    def forward(self, x: Tensor) -> Tensor:
        edges = iter(self.edges)
        nodes = [x]
        for _ in range(3):
            nodes.append(sum(next(edges)(node) for node in nodes))
        return nodes[-1]
