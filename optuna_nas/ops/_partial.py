"""Partial channel connections: an operation sees a part of the channels, the others pass by."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn
from torch import Tensor


class PartialChannels(nn.Module):
    """Sends 1/K of the channels through a module, as PC-DARTS does to save memory.

    See Xu et al. 2020 (https://arxiv.org/abs/1907.05737, sec. 3.2). The channels are shuffled
    afterwards, so that others come first at the next one. The edge normalization of sec. 3.3 is
    what ``suggest_inputs`` does in a supernet. Decisions have the same names as without, so that
    what is found can be built with all channels.

    Example:

        .. code-block:: python

            def edge(channels):
                options = optuna_nas.ops.darts_operations(channels)
                return trial.suggest_module("op", options)

            layer = PartialChannels(edge, channels=16, k=4)

    Args:
        make:
            From a number of channels to the module, which takes and gives that many.
        channels:
            How many there are in all.
        k:
            One in k of them goes through the module; 4 in the paper.
        stride:
            That of the module; with 2, the others are pooled.

    Raises:
        ValueError:
            If ``channels`` is not a multiple of k.
    """

    def __init__(
        self, make: Callable[[int], nn.Module], channels: int, k: int = 4, stride: int = 1
    ) -> None:
        super().__init__()
        if k < 1 or channels % k:
            raise ValueError(f"channels must be a multiple of k, but is {channels}, with k={k}.")
        self.k = k
        self.through = make(channels // k)
        self.past = nn.Identity() if stride == 1 else nn.MaxPool2d(2, stride, ceil_mode=True)

    def forward(self, x: Tensor) -> Tensor:
        """Takes ``[n, channels, h, w]``, returns ``[n, channels, h/stride, w/stride]``."""
        part = x.shape[1] // self.k
        out = torch.cat([self.through(x[:, :part]), self.past(x[:, part:])], dim=1)
        n, channels, *size = out.shape
        return out.view(n, self.k, part, *size).transpose(1, 2).reshape(n, channels, *size)
