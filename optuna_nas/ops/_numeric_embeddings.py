"""Vectors for numbers: what lets a perceptron see where a number stands, not only how large it is.

From Gorishniy et al. 2022, "On Embeddings for Numerical Features in Tabular Deep Learning",
https://arxiv.org/abs/2203.05556.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
import math

import torch
from torch import nn
from torch import Tensor


class PeriodicEmbedding(nn.Module):
    """Waves of learned frequencies, a linear map that all features share, and ReLU.

    ``ReLU(Linear([cos(2 pi c x), sin(2 pi c x)]))`` with frequencies c of each feature's own (sec.
    3.3; with a shared linear map it is the PLR(lite) of Gorishniy et al. 2024,
    https://arxiv.org/abs/2307.14338).

    Args:
        features:
            How many numbers a row has.
        width:
            The size of a number's embedding.
        frequencies:
            How many waves a feature has.
        scale:
            The standard deviation of the initial frequencies, in waves per unit of x.
    """

    def __init__(self, features: int, width: int, frequencies: int, scale: float) -> None:
        super().__init__()
        self.frequencies = nn.Parameter(torch.empty(features, frequencies))
        nn.init.trunc_normal_(self.frequencies, std=scale, a=-3 * scale, b=3 * scale)
        self.linear = nn.Linear(2 * frequencies, width)

    def forward(self, x: Tensor) -> Tensor:
        """Takes ``[n, features]``, returns ``[n, features * width]``, feature by feature."""
        angles = 2 * math.pi * self.frequencies * x.unsqueeze(-1)
        waves = torch.cat([angles.cos(), angles.sin()], dim=-1)
        out: Tensor = self.linear(waves).relu().flatten(1)
        return out


class PiecewiseLinearEmbedding(nn.Module):
    """A piecewise linear function of each number: a slope for each bin.

    It begins as a linear function, so that training decides where it bends: the encoding of eq. 1,
    mapped by weights that begin at 0, plus a linear embedding (version "B" in Gorishniy et al.
    2025, https://arxiv.org/abs/2410.24210). Beyond the outer edges it goes on with their slope.

    Args:
        edges:
            Of each feature, the edges of its bins, increasing; one bin at least.
        width:
            The size of a number's embedding.
    """

    left: Tensor
    size: Tensor
    low: Tensor
    high: Tensor

    def __init__(self, edges: Sequence[Sequence[float]], width: int) -> None:
        super().__init__()
        bins = max(map(len, edges)) - 1
        padded = [_padded(of_feature, bins) for of_feature in edges]
        for i, name in enumerate(("left", "size", "low", "high")):
            values = torch.tensor([rows[i] for rows in padded])
            self.register_buffer(name, values, persistent=False)
        self.slope = nn.Parameter(torch.empty(len(edges), width))
        self.bias = nn.Parameter(torch.empty(len(edges), width))
        self.bends = nn.Parameter(torch.zeros(len(edges), bins, width))
        for parameter in (self.slope, self.bias):
            nn.init.uniform_(parameter, -(width**-0.5), width**-0.5)

    def forward(self, x: Tensor) -> Tensor:
        """Takes ``[n, features]``, returns ``[n, features * width]``, feature by feature."""
        x = x.unsqueeze(-1)
        encoded = ((x - self.left) / self.size).clamp(self.low, self.high)
        bent = torch.einsum("nfb,fbw->nfw", encoded, self.bends)
        return (x * self.slope + self.bias + bent).flatten(1)


def _padded(edges: Sequence[float], bins: int) -> tuple[list[float], ...]:
    """Of each bin the left edge, the size, and the lowest and highest code: 0 and 0 past them."""
    own = len(edges) - 1
    rest = bins - own
    left = [*edges[:-1], *[0.0] * rest]
    size = [*(b - a for a, b in pairwise(edges)), *[1.0] * rest]
    low = [-math.inf, *[0.0] * (bins - 1)]
    high = [*[1.0] * (own - 1), math.inf, *[0.0] * rest]
    return left, size, low, high
