"""The primitives of hierarchical representations (Liu et al. 2018, sec. 2.3)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from torch import nn

from optuna_nas.ops._conv import conv_bn
from optuna_nas.ops._conv import separable_conv
from optuna_nas.ops._nasbench201 import Zero


def hierarchical_primitives(channels: int) -> dict[str, Callable[[], nn.Module]]:
    """Returns the six primitives, and "none" for no edge: from a name to a factory.

    All take and give ``[n, channels, h, w]``; convolutions end in a batch normalization and a ReLU
    (https://arxiv.org/abs/1711.00436, sec. 2.3).

    Args:
        channels:
            The width of the motifs.
    """

    def activated(make: Callable[[], nn.Module]) -> nn.Module:
        return nn.Sequential(make(), nn.ReLU())

    depthwise = partial(conv_bn, channels, channels, 3, groups=channels)
    return {
        "none": Zero,
        "identity": nn.Identity,
        "conv_1x1": partial(activated, partial(conv_bn, channels, channels, 1)),
        "depthwise_conv_3x3": partial(activated, depthwise),
        "sep_conv_3x3": partial(activated, partial(separable_conv, channels, channels, 3)),
        "max_pool_3x3": partial(nn.MaxPool2d, 3, 1, 1),
        "avg_pool_3x3": partial(nn.AvgPool2d, 3, 1, 1, count_include_pad=False),
    }
