"""A small cell space, in which nothing but the cell can see shapes."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn
from torch import Tensor

from optuna_nas import ops
from optuna_nas.space import Trial


EDGES = ("0>1", "0>2", "1>2", "0>3", "1>3", "2>3")


@dataclass(frozen=True)
class Cells:
    """Networks of one cell, twice: NAS-Bench-201's, with its five operations on six edges.

    15,625 architectures. Where NAS-Bench-201 has residual blocks between its stages, which would
    learn these digits by themselves, there is only pooling, so that the cell is what matters.

    Args:
        patch:
            The side of the squares that the image is cut into first: 1, or 2 for 16 x 16 pixels.
        channels:
            The width.
    """

    patch: int
    channels: int = 8

    def __call__(self, trial: Trial) -> nn.Module:
        width = self.channels
        return nn.Sequential(
            nn.Conv2d(1, width, self.patch, stride=self.patch, bias=False),
            nn.BatchNorm2d(width),
            _cell(trial, width),
            nn.AvgPool2d(2),
            _cell(trial, width),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(2),
            nn.Flatten(),
            nn.Linear(4 * width, 10),
        )


class Cell(nn.Module):
    """Four nodes, each the sum of what comes along its edges; takes the first, gives the last.

    Args:
        edges:
            The operations of ``EDGES``.
    """

    def __init__(self, edges: list[nn.Module]) -> None:
        super().__init__()
        self.edges = nn.ModuleList(edges)

    def forward(self, x: Tensor) -> Tensor:
        """Takes and returns ``[n, channels, h, w]``."""
        edges = iter(self.edges)
        nodes = [x]
        for _ in range(3):
            nodes.append(sum(next(edges)(before) for before in nodes))
        return nodes[-1]


def _cell(trial: Trial, channels: int) -> Cell:
    operations = ops.nasbench201_operations(channels)
    return Cell([trial.suggest_module(edge, operations) for edge in EDGES])
