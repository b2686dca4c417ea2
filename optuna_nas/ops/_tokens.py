"""What tokens are made of: patches of images, and where they stand."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
import math

import torch
from torch import nn
from torch import Tensor


class Patches(nn.Module):
    """Cuts images into square patches and maps each to a token.

    From Dosovitskiy et al. 2021, https://arxiv.org/abs/2010.11929, sec. 3.1.

    Args:
        channels:
            Channels of an image.
        width:
            The size of a token.
        side:
            A patch's height and width, which divides the image's.
    """

    def __init__(self, channels: int, width: int, side: int) -> None:
        super().__init__()
        self.project = nn.Conv2d(channels, width, side, stride=side)

    def forward(self, x: Tensor) -> Tensor:
        """Takes ``[n, channels, h, w]``, returns ``[n, h/side * w/side, width]``."""
        out: Tensor = self.project(x).flatten(2).transpose(1, 2)
        return out


def positional_encodings(length: int, width: int) -> dict[str, Callable[[], nn.Module]]:
    """Returns what adds to tokens where they stand: from a name to a factory.

    All take and give ``[n, time, width]``, where time is at most ``length``.

    Args:
        length:
            The length of the longest sequence.
        width:
            The size of a token.
    """
    return {
        "none": nn.Identity,
        "learned": partial(LearnedPositions, length, width),
        "sinusoidal": partial(SinusoidalPositions, length, width),
    }


class LearnedPositions(nn.Module):
    """Adds a parameter for each position.

    Args:
        length:
            The length of the longest sequence.
        width:
            The size of a token.
    """

    def __init__(self, length: int, width: int) -> None:
        super().__init__()
        self.positions = nn.Parameter(torch.empty(length, width))
        nn.init.normal_(self.positions, std=0.02)

    def forward(self, x: Tensor) -> Tensor:
        """Takes and returns ``[n, time, width]``."""
        return x + self.positions[: x.shape[1]]


class SinusoidalPositions(nn.Module):
    """Adds sines and cosines of each position (Vaswani et al. 2017, sec. 3.5), in two halves.

    Args:
        length:
            The length of the longest sequence.
        width:
            The size of a token.
    """

    positions: Tensor

    def __init__(self, length: int, width: int) -> None:
        super().__init__()
        half = (width + 1) // 2
        frequencies = torch.exp(torch.arange(half) * (-math.log(10_000) / half))
        angles = torch.arange(length)[:, None] * frequencies
        positions = torch.cat([angles.sin(), angles.cos()], dim=1)[:, :width]
        self.register_buffer("positions", positions, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Takes and returns ``[n, time, width]``."""
        return x + self.positions[: x.shape[1]]
