"""The operations of DARTS (Liu et al. 2019, https://arxiv.org/abs/1806.09055, sec. 3.1.1)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import nn
from torch import Tensor
from torch.nn import functional as F

from optuna_nas.ops._nasbench201 import Zero


def darts_operations(
    channels: int, stride: int = 1, *, affine: bool = True
) -> dict[str, Callable[[], nn.Module]]:
    """Returns the paper's eight operations in its code's order: from a name to a factory.

    All take ``[n, channels, h, w]`` and give ``[n, channels, h/stride, w/stride]``, rounded up.

    Args:
        channels:
            The width of the cell.
        stride:
            1, or 2 on the edges that lead from a reduction cell's inputs.
        affine:
            Whether batch normalizations have weights. Without, poolings are normalized too, so
            that no operation of a mixture is larger than another; that is how the paper searches.
    """

    def pool(make: Callable[[], nn.Module]) -> nn.Module:
        if affine:
            return make()
        return nn.Sequential(make(), nn.BatchNorm2d(channels, affine=False))

    def separable(kernel: int) -> nn.Module:
        second = _separable(channels, kernel, affine=affine)
        return nn.Sequential(*_separable(channels, kernel, stride, affine=affine), *second)

    def dilated(kernel: int) -> nn.Module:
        return nn.Sequential(*_separable(channels, kernel, stride, dilation=2, affine=affine))

    def skip() -> nn.Module:
        if stride == 1:
            return nn.Identity()
        return FactorizedReduction(channels, channels, affine=affine)

    avg_pool = partial(nn.AvgPool2d, 3, stride, 1, count_include_pad=False)
    return {
        # Pooling single pixels leaves some out, as the other operations of that stride do.
        "none": Zero if stride == 1 else lambda: nn.Sequential(nn.AvgPool2d(1, stride), Zero()),
        "max_pool_3x3": partial(pool, partial(nn.MaxPool2d, 3, stride, 1)),
        "avg_pool_3x3": partial(pool, avg_pool),
        "skip_connect": skip,
        "sep_conv_3x3": partial(separable, 3),
        "sep_conv_5x5": partial(separable, 5),
        "dil_conv_3x3": partial(dilated, 3),
        "dil_conv_5x5": partial(dilated, 5),
    }


class FactorizedReduction(nn.Module):
    """Halves height and width by two 1x1 convolutions, the second of them one pixel further on.

    Each gives half of the channels, so that every pixel but those of an odd border is seen.
    Pixels are left out before the convolutions, which then need no stride: on a CPU, the gradient
    of a 1x1 convolution of stride 2 on fewer than 8 channels that lie last in memory is wrong, or
    the process dies (https://github.com/uxlfoundation/oneDNN/issues/6035).

    Args:
        inputs:
            Channels that come in.
        outputs:
            Channels that go out, at least 2.
        affine:
            Whether the batch normalization has weights.
    """

    def __init__(self, inputs: int, outputs: int, *, affine: bool = True) -> None:
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs // 2, 1, bias=False)
        self.second = nn.Conv2d(inputs, outputs - outputs // 2, 1, bias=False)
        self.norm = nn.BatchNorm2d(outputs, affine=affine)

    def forward(self, x: Tensor) -> Tensor:
        """Takes ``[n, inputs, h, w]``, returns ``[n, outputs, h/2, w/2]``, rounded up."""
        x = F.relu(x)
        further = F.pad(x, (-1, 1, -1, 1))
        halves = self.first(F.avg_pool2d(x, 1, 2)), self.second(F.avg_pool2d(further, 1, 2))
        out: Tensor = self.norm(torch.cat(halves, dim=1))
        return out


def _separable(
    channels: int, kernel: int, stride: int = 1, *, dilation: int = 1, affine: bool
) -> list[nn.Module]:
    padding = dilation * (kernel // 2)
    depthwise = nn.Conv2d(
        channels, channels, kernel, stride, padding, dilation, groups=channels, bias=False
    )
    pointwise = nn.Conv2d(channels, channels, 1, bias=False)
    return [nn.ReLU(), depthwise, pointwise, nn.BatchNorm2d(channels, affine=affine)]
