"""Convolutions from one width to another that keep height and width.

All end in a batch normalization and no activation, so that any of them can be the body of a
residual connection (He et al. 2016, https://arxiv.org/abs/1512.03385) or stand without one.
"""

from __future__ import annotations

from torch import nn


def conv_bn(inputs: int, outputs: int, kernel: int, *, groups: int = 1) -> nn.Sequential:
    """A convolution and a batch normalization: ``[n, inputs, h, w]`` to ``[n, outputs, h, w]``.

    Args:
        inputs:
            Channels that come in.
        outputs:
            Channels that go out.
        kernel:
            The kernel's side, odd.
        groups:
            Into how many groups the channels fall; ``inputs`` makes it depthwise.
    """
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
    )


def separable_conv(inputs: int, outputs: int, kernel: int) -> nn.Sequential:
    """A depthwise and a 1x1 convolution (Howard et al. 2017, https://arxiv.org/abs/1704.04861).

    Args:
        inputs:
            Channels that come in.
        outputs:
            Channels that go out.
        kernel:
            The side of the depthwise kernel, odd.
    """
    return nn.Sequential(
        *conv_bn(inputs, inputs, kernel, groups=inputs), nn.ReLU(), *conv_bn(inputs, outputs, 1)
    )


def inverted_bottleneck(inputs: int, outputs: int, kernel: int, expansion: int) -> nn.Sequential:
    """MobileNetV2's block without its skip (Sandler et al. 2018, https://arxiv.org/abs/1801.04381).

    Args:
        inputs:
            Channels that come in.
        outputs:
            Channels that go out.
        kernel:
            The side of the depthwise kernel, odd.
        expansion:
            How many times as wide as the input it is inside.
    """
    return nn.Sequential(
        *conv_bn(inputs, expansion * inputs, 1),
        nn.ReLU(),
        *separable_conv(expansion * inputs, outputs, kernel),
    )
