"""Stages of inverted bottlenecks: the space of MnasNet and of once-for-all networks."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
import math
from typing import Any

import torch
from torch import nn

from optuna_nas import ops
from optuna_nas.space import Trial
from optuna_nas.spaces._arguments import check
from optuna_nas.spaces._arguments import check_candidates
from optuna_nas.spaces._arguments import is_odd
from optuna_nas.spaces._arguments import is_whole


DIVISOR = 8


@dataclass(frozen=True)
class MobileNet:
    """Mobile networks of ``[n, in_channels, h, w]`` to ``[n, num_classes]``.

    Stages of inverted bottlenecks, whose first block may halve height and width and whose others
    are residual, as in MnasNet (Tan et al. 2019, https://arxiv.org/abs/1807.11626, sec. 4.1);
    each block has its own kernel and expansion, as in once-for-all networks (Cai et al. 2020,
    https://arxiv.org/abs/1908.09791, sec. 3.2). Decisions: ``width``, a factor on all channels;
    for each stage ``stage0/depth`` and ``stage0/se``; for each block ``stage0/block0/expansion``
    (``"e6"``) and ``stage0/block0/kernel`` (``"k5"``). A smaller choice has the names of a larger
    one's parameters, and shapes that are slices of theirs.

    Example:

        .. code-block:: python

            network = spaces.MobileNet(
                num_classes=1000,
                stages=[(24, 2), (40, 2), (80, 2), (112, 1), (160, 2)],
                min_depth=2,
                max_depth=4,
                stem_stride=2,
                head_channels=1280,
            )

    Args:
        num_classes:
            How many numbers to predict.
        in_channels:
            Channels of an image.
        stages:
            Channels and stride (1 or 2) of each stage, before ``width``.
        min_depth:
            The smallest number of blocks in a stage, at least 1.
        max_depth:
            The largest number of blocks in a stage.
        widths:
            Candidates for the factor on all channels, which are rounded to multiples of 8.
        kernels:
            Candidates for the side of a depthwise kernel, odd.
        expansions:
            Candidates for how many times wider a block is inside.
        se_ratios:
            Candidates for how wide a stage's squeeze-and-excitation is, as a share of the inside
            of a block; 0 for none.
        stem_channels:
            Channels of the convolution before the stages, before ``width``.
        stem_stride:
            Its stride: 1, or 2 for large images.
        head_channels:
            Channels of the convolution after the stages.

    Raises:
        ValueError:
            If an argument is not legal.
    """

    num_classes: int = 10
    in_channels: int = 3
    stages: Sequence[tuple[int, int]] = ((16, 1), (24, 2), (40, 2))
    min_depth: int = 1
    max_depth: int = 3
    widths: Sequence[float] = (0.5, 0.75, 1.0)
    kernels: Sequence[int] = (3, 5, 7)
    expansions: Sequence[int] = (3, 4, 6)
    se_ratios: Sequence[float] = (0.0, 0.25)
    stem_channels: int = 16
    stem_stride: int = 1
    head_channels: int = 128

    def __post_init__(self) -> None:
        sizes = ("num_classes", "in_channels", "min_depth", "max_depth")
        for name in (*sizes, "stem_channels", "head_channels"):
            check(self, name, is_whole(getattr(self, name)), "an int of at least 1")
        at_least = f"at least min_depth ({self.min_depth})"
        check(self, "max_depth", self.max_depth >= self.min_depth, at_least)
        check(self, "stem_stride", _is_stride(self.stem_stride), "1 or 2")
        self._check_stages()
        check_candidates(self, "kernels", is_odd, "odd ints of at least 1")
        check_candidates(self, "expansions", is_whole, "ints of at least 1")
        check_candidates(self, "widths", _is_factor, "numbers above 0")
        check_candidates(self, "se_ratios", _is_ratio, "numbers from 0 to 1")

    def _check_stages(self) -> None:
        expected = "a list of (channels, stride), ints of at least 1 and 1 or 2"
        check(self, "stages", isinstance(self.stages, Sequence), expected)
        check(self, "stages", len(self.stages) > 0, expected)
        check(self, "stages", all(map(_is_stage, self.stages)), expected)
        object.__setattr__(self, "stages", tuple((int(c), int(s)) for c, s in self.stages))

    def __call__(self, trial: Trial) -> nn.Module:
        factor = trial.suggest_categorical("width", self.widths)
        width = _rounded(self.stem_channels * factor)
        stem = nn.Conv2d(self.in_channels, width, 3, self.stem_stride, 1, bias=False)
        body: list[nn.Module] = [stem, nn.BatchNorm2d(width), nn.ReLU()]
        for i, (channels, stride) in enumerate(self.stages):
            before, width = width, _rounded(channels * factor)
            at = trial.scope(f"stage{i}")
            block = partial(self._block, at, before, width, stride)
            body.append(at.suggest_repeat("depth", self.min_depth, self.max_depth, block))
        head = (*ops.conv_bn(width, self.head_channels, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1))
        linear = nn.Linear(self.head_channels, self.num_classes)
        network: nn.Module = nn.Sequential(*body, *head, nn.Flatten(), linear)
        # In this layout, depthwise convolutions take less time on a CPU.
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return network

    def _block(self, at: Trial, before: int, width: int, stride: int, i: int) -> nn.Module:
        inputs, stride = (before, stride) if i == 0 else (width, 1)
        bottleneck = partial(self._bottleneck, at, inputs, width, stride, i)
        options = {f"e{e}": partial(bottleneck, e * inputs) for e in self.expansions}
        block = at.suggest_module(f"block{i}/expansion", options)
        return ops.Residual(block) if i > 0 else block

    def _bottleneck(
        self, at: Trial, inputs: int, outputs: int, stride: int, i: int, inside: int
    ) -> nn.Module:
        """An inverted bottleneck; even without expansion it has the first convolution."""
        kernels = {f"k{k}": partial(ops.depthwise_conv, inside, k, stride) for k in self.kernels}
        ratios = {f"se{ratio:g}": _squeeze_excite(inside, ratio) for ratio in self.se_ratios}
        return nn.Sequential(
            *ops.conv_bn(inputs, inside, 1),
            nn.ReLU(),
            at.suggest_module(f"block{i}/kernel", kernels),
            nn.ReLU(),
            at.suggest_module("se", ratios),
            *ops.conv_bn(inside, outputs, 1),
        )


def _squeeze_excite(channels: int, ratio: float) -> Callable[[], nn.Module]:
    if ratio == 0:
        return nn.Identity
    return partial(ops.SqueezeExcite, channels, max(1, round(channels * ratio)))


def _rounded(channels: float) -> int:
    """The nearest multiple of 8, which is at least 8."""
    return max(DIVISOR, int(channels / DIVISOR + 0.5) * DIVISOR)


def _is_stage(stage: Any) -> bool:
    if not isinstance(stage, Sequence) or isinstance(stage, str) or len(stage) != 2:
        return False
    channels, stride = stage
    return is_whole(channels) and _is_stride(stride)


def _is_stride(value: Any) -> bool:
    return is_whole(value) and value <= 2


def _is_factor(value: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and 0 < value < math.inf


def _is_ratio(value: Any) -> bool:
    return value == 0 or (_is_factor(value) and value <= 1)
