"""Parts of mobile networks' inverted bottlenecks."""

from __future__ import annotations

from torch import nn
from torch import Tensor


def depthwise_conv(channels: int, kernel: int, stride: int = 1) -> nn.Sequential:
    """A depthwise convolution: ``[n, channels, h, w]`` to ``[n, channels, h/stride, w/stride]``.

    Args:
        channels:
            Channels that come in and go out.
        kernel:
            The kernel's side, odd.
        stride:
            By how much it shrinks height and width, rounded up.
    """
    conv = nn.Conv2d(channels, channels, kernel, stride, kernel // 2, groups=channels, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(channels))


class SqueezeExcite(nn.Module):
    """Scales channels by what their means say (Hu et al. 2018, https://arxiv.org/abs/1709.01507).

    Args:
        channels:
            Channels that come in and go out.
        squeezed:
            The width between the two layers that see the means.
    """

    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        self.scale = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(channels, squeezed, 1),
            nn.ReLU(),
            nn.Conv2d(squeezed, channels, 1),
            nn.Hardsigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Takes and returns ``[n, channels, h, w]``."""
        out: Tensor = x * self.scale(x)
        return out
