"""Recurrent layers that give one tensor, so that they can be options of one decision."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import nn
from torch import Tensor


def recurrent_layers(
    inputs: int, outputs: int, *, bidirectional: bool = False
) -> dict[str, Callable[[], nn.Module]]:
    """Returns recurrent layers: from a name to a factory.

    All take ``[n, time, inputs]`` and give ``[n, time, outputs]``. With two directions each has
    half of the outputs, the first half of them forward in time.

    Args:
        inputs:
            The size of an input.
        outputs:
            The size of an output, even if bidirectional.
        bidirectional:
            Whether it reads sequences in both directions.
    """
    size = outputs // 2 if bidirectional else outputs
    cells = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}

    def layer(cell: Callable[..., nn.Module]) -> nn.Module:
        return RecurrentLayer(cell(inputs, size, batch_first=True, bidirectional=bidirectional))

    return {name: partial(layer, cell) for name, cell in cells.items()}


class RecurrentLayer(nn.Module):
    """One of torch's recurrent modules without its last state: its outputs alone.

    Args:
        cell:
            ``nn.RNN``, ``nn.GRU`` or ``nn.LSTM``, batch first.
    """

    def __init__(self, cell: nn.Module) -> None:
        super().__init__()
        self.cell = cell

    def forward(self, x: Tensor) -> Tensor:
        """Takes ``[n, time, inputs]``, returns ``[n, time, outputs]``."""
        out: Tensor = self.cell(x)[0]
        return out


class Last(nn.Module):
    """The last output in time; of a bidirectional layer, the last of each direction.

    Args:
        bidirectional:
            Whether the second half of the features runs backward in time.
    """

    def __init__(self, bidirectional: bool = False) -> None:
        super().__init__()
        self.bidirectional = bidirectional

    def forward(self, x: Tensor) -> Tensor:
        """Takes ``[n, time, features]``, returns ``[n, features]``."""
        if not self.bidirectional:
            return x[:, -1]
        forward, backward = x.chunk(2, dim=-1)
        return torch.cat([forward[:, -1], backward[:, 0]], dim=-1)


class Mean(nn.Module):
    """The mean over time."""

    def forward(self, x: Tensor) -> Tensor:
        """Takes ``[n, time, features]``, returns ``[n, features]``."""
        return x.mean(1)
