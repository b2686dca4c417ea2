"""The blocks of NAS-Bench-201 (Dong and Yang 2020, https://arxiv.org/abs/2001.00326, sec. 2.1)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from torch import nn
from torch import Tensor

from optuna_nas.ops._residual import Residual


class Zero(nn.Module):
    """Gives zeros, and passes gradients of zero back to what came before."""

    def forward(self, x: Tensor) -> Tensor:
        """Takes any tensor, returns zeros of its shape."""
        return x * 0.0


def nasbench201_operations(channels: int) -> dict[str, Callable[[], nn.Module]]:
    """Returns the benchmark's five operations in its order: from a name to a factory.

    All take and give ``[n, channels, h, w]``.

    Args:
        channels:
            The width of the cell.
    """
    return {
        "none": Zero,
        "skip_connect": nn.Identity,
        "nor_conv_1x1": partial(relu_conv_bn, channels, channels, 1),
        "nor_conv_3x3": partial(relu_conv_bn, channels, channels, 3),
        "avg_pool_3x3": partial(nn.AvgPool2d, 3, 1, 1, count_include_pad=False),
    }


def relu_conv_bn(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Sequential:
    """A pre-activated convolution, ``[n, inputs, h, w]`` to ``[n, outputs, h/stride, w/stride]``.

    Args:
        inputs:
            Channels that come in.
        outputs:
            Channels that go out.
        kernel:
            The kernel's side, odd.
        stride:
            By how much it shrinks height and width.
    """
    return nn.Sequential(
        nn.ReLU(),
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
    )


def residual_reduction(channels: int) -> Residual:
    """The benchmark's block between stages: twice the channels, half the height and width.

    Args:
        channels:
            Channels that come in.
    """
    return Residual(
        nn.Sequential(
            relu_conv_bn(channels, 2 * channels, 3, stride=2),
            relu_conv_bn(2 * channels, 2 * channels, 3),
        ),
        nn.Sequential(
            nn.AvgPool2d(2, ceil_mode=True),
            nn.Conv2d(channels, 2 * channels, 1, bias=False),
        ),
    )
