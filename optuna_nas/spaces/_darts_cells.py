"""What a network of the DARTS space is made of: cells in a chain, and its heads."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch import Tensor

from optuna_nas import ops


class Cell(nn.Module):
    """Takes the outputs of the two cells before, gives its nodes' states, concatenated.

    Args:
        inputs:
            What the outputs of the two cells before go through first.
        nodes:
            From the states so far to the state of each node.
    """

    def __init__(self, inputs: Sequence[nn.Module], nodes: Sequence[nn.Module]) -> None:
        super().__init__()
        self.inputs = nn.ModuleList(inputs)
        self.nodes = nn.ModuleList(nodes)

    def forward(self, before_last: Tensor, last: Tensor) -> Tensor:
        """Returns ``[n, nodes * channels, h, w]``."""
        states = [self.inputs[0](before_last), self.inputs[1](last)]
        for node in self.nodes:
            states.append(node(states))
        return torch.cat(states[2:], dim=1)


class Cells(nn.Module):
    """A stem, a chain of cells that each see the two before, and one head or two.

    Args:
        stem:
            Gives what the first cell takes, twice.
        cells:
            The cells.
        head:
            From the last cell's output to the logits.
        auxiliary:
            From the output of another cell to logits, in training mode only; or None.
        auxiliary_after:
            The number of that cell.
    """

    def __init__(
        self,
        stem: nn.Module,
        cells: Sequence[nn.Module],
        head: nn.Module,
        auxiliary: nn.Module | None,
        auxiliary_after: int,
    ) -> None:
        super().__init__()
        self.stem = stem
        self.cells = nn.ModuleList(cells)
        self.head = head
        self.auxiliary = auxiliary
        self.auxiliary_after = auxiliary_after

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """Takes images; returns logits, with those of the auxiliary head if there are some."""
        outputs = [self.stem(x)] * 2
        for cell in self.cells:
            outputs.append(cell(*outputs[-2:]))
        logits: Tensor = self.head(outputs[-1])
        if self.auxiliary is None or not self.training:
            return logits
        return logits, self.auxiliary(outputs[2 + self.auxiliary_after])


def pooled_head(width: int, num_classes: int) -> nn.Module:
    """Returns what takes ``[n, width, h, w]`` to logits ``[n, num_classes]``.

    Args:
        width:
            Channels that come in.
        num_classes:
            How many numbers to predict.
    """
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, num_classes))


def auxiliary_head(width: int, num_classes: int) -> nn.Module:
    """Returns the paper's second head, with pooling to 2x2 from any size where theirs expects 8x8.

    Args:
        width:
            Channels that come in.
        num_classes:
            How many numbers to predict.
    """
    return nn.Sequential(
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(2),
        *ops.conv_bn(width, 128, 1),
        nn.ReLU(),
        nn.Conv2d(128, 768, 2, bias=False),
        nn.BatchNorm2d(768),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(768, num_classes),
    )
