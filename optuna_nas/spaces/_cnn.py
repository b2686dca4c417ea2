"""Convolutional networks, chosen stage by stage: a macro space, for images from 8x8 on."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import nn

from optuna_nas import ops
from optuna_nas.space import Trial
from optuna_nas.spaces._arguments import check
from optuna_nas.spaces._arguments import check_candidates
from optuna_nas.spaces._arguments import is_odd
from optuna_nas.spaces._arguments import is_whole


OPERATIONS = ("conv", "separable", "inverted")
POOLS: dict[str, Callable[[], nn.Module]] = {
    "max": partial(nn.MaxPool2d, 2),
    "avg": partial(nn.AvgPool2d, 2),
}
DEFAULT_MIN_STAGES, DEFAULT_MAX_STAGES = 2, 4


@dataclass(frozen=True)
class CNN:
    """Convolutional networks of ``[n, *input_shape]`` to ``[n, num_classes]``.

    One to several stages, each a few blocks of one operation, width and kernel, with or without
    residual connections; between stages, pooling halves height and width. Decisions: ``stages``,
    ``pool`` (with two stages or more) and, for each stage, ``stage0/width``, ``stage0/op``,
    ``stage0/kernel``, ``stage0/expansion`` (of an inverted bottleneck), ``stage0/skip`` and
    ``stage0/blocks``.

    Example:

        .. code-block:: python

            network = spaces.CNN(input_shape=(1, 8, 8), num_classes=10)
            study.optimize(Objective(network, Train(train, valid, epochs=20)), n_trials=50)

    Args:
        input_shape:
            Channels, height and width of an image.
        num_classes:
            How many numbers to predict.
        min_stages:
            The smallest number of stages; by default 2, or 1 where ``max_stages`` is.
        max_stages:
            The largest number of stages. Each but the first halves the image, down to no less
            than 2 pixels; by default as many as that allows, but no more than 4.
        max_blocks:
            The largest number of blocks in a stage; the smallest is 1.
        widths:
            Candidates for the channels of the first stage; they double from stage to stage.
        kernels:
            Candidates for the side of the kernels, odd.
        operations:
            Candidates for a block's operation, among ``"conv"``, ``"separable"`` and
            ``"inverted"`` (MobileNetV2's inverted bottleneck).
        expansions:
            Candidates for how many times wider an inverted bottleneck is inside.
        pools:
            Candidates for the pooling between stages, among ``"max"`` and ``"avg"``.
        skips:
            Candidates for whether a stage's blocks are residual.

    Raises:
        ValueError:
            If an argument is not legal.
    """

    input_shape: Sequence[int]
    num_classes: int
    min_stages: int | None = None
    max_stages: int | None = None
    max_blocks: int = 2
    widths: Sequence[int] = (16, 24, 32)
    kernels: Sequence[int] = (3, 5)
    operations: Sequence[str] = OPERATIONS
    expansions: Sequence[int] = (2, 3)
    pools: Sequence[str] = ("max", "avg")
    skips: Sequence[bool] = (False, True)

    def __post_init__(self) -> None:
        self._check_input_shape()
        check(self, "num_classes", is_whole(self.num_classes), "an int of at least 1")
        self._check_stages()
        check(self, "max_blocks", is_whole(self.max_blocks), "an int of at least 1")
        check_candidates(self, "widths", is_whole, "ints of at least 1")
        check_candidates(self, "kernels", is_odd, "odd ints of at least 1")
        check_candidates(self, "expansions", is_whole, "ints of at least 1")
        check_candidates(self, "skips", lambda value: isinstance(value, bool), "bools")
        for name, legal in (("operations", OPERATIONS), ("pools", tuple(POOLS))):
            check_candidates(self, name, legal.__contains__, f"names among {', '.join(legal)}")

    def _check_input_shape(self) -> None:
        shape, expected = self.input_shape, "(channels, height, width), ints of at least 1"
        check(self, "input_shape", isinstance(shape, Sequence), expected)
        check(self, "input_shape", len(shape) == 3 and all(map(is_whole, shape)), expected)
        object.__setattr__(self, "input_shape", tuple(map(int, shape)))

    def _check_stages(self) -> None:
        _, height, width = self.input_shape
        most = _most_stages(height, width)
        limit = f"None or an int of 1..{most} for {height}x{width} images (each stage halves them)"
        for name, value in (("min_stages", self.min_stages), ("max_stages", self.max_stages)):
            check(self, name, value is None or (is_whole(value) and value <= most), limit)
        low, high = self._stages()
        check(self, "min_stages", low <= high, f"at most {high}, the largest number of stages")

    def _stages(self) -> tuple[int, int]:
        """The smallest and the largest number of stages."""
        _, height, width = self.input_shape
        high = self.max_stages or min(_most_stages(height, width), DEFAULT_MAX_STAGES)
        return self.min_stages or min(high, DEFAULT_MIN_STAGES), high

    def __call__(self, trial: Trial) -> nn.Module:
        body: list[nn.Module] = []
        width, *_ = self.input_shape
        for i in range(trial.suggest_int("stages", *self._stages())):
            at = trial.scope(f"stage{i}")
            before, width = width, at.suggest_categorical("width", [w << i for w in self.widths])
            if i == 0:
                body.append(nn.Sequential(ops.conv_bn(before, width, 3), nn.ReLU()))
                before = width
            else:
                body.append(
                    trial.suggest_module("pool", {name: POOLS[name] for name in self.pools})
                )
            block = partial(self._block, at, before, width)
            body.append(at.suggest_repeat("blocks", 1, self.max_blocks, block))
        head = (nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, self.num_classes))
        network: nn.Module = nn.Sequential(*body, *head)
        # In this layout, depthwise convolutions take half the time on a CPU.
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return network

    def _block(self, at: Trial, before: int, width: int, i: int) -> nn.Module:
        inputs = before if i == 0 else width
        block = at.suggest_module("op", self._operations(at, inputs, width))
        if at.suggest_categorical("skip", self.skips):
            shortcut = None if inputs == width else ops.conv_bn(inputs, width, 1)
            block = ops.Residual(block, shortcut)
        return nn.Sequential(block, nn.ReLU())

    def _operations(
        self, at: Trial, inputs: int, width: int
    ) -> dict[str, Callable[[], nn.Module]]:
        kernel = at.suggest_categorical("kernel", self.kernels)

        def inverted() -> nn.Module:
            expansion = at.suggest_categorical("expansion", self.expansions)
            return ops.inverted_bottleneck(inputs, width, kernel, expansion)

        operations: dict[str, Callable[[], nn.Module]] = {
            "conv": partial(ops.conv_bn, inputs, width, kernel),
            "separable": partial(ops.separable_conv, inputs, width, kernel),
            "inverted": inverted,
        }
        return {name: operations[name] for name in self.operations}


def _most_stages(height: int, width: int) -> int:
    """How often an image can be halved with 2 pixels a side left, and the stage before that."""
    return max(1, min(height, width).bit_length() - 1)
