"""Transformer encoders: for images, tokens, and sequences of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from math import gcd
from math import prod

from torch import nn

from optuna_nas import ops
from optuna_nas.space import Trial
from optuna_nas.spaces._arguments import check
from optuna_nas.spaces._arguments import check_candidates
from optuna_nas.spaces._arguments import is_whole


POSITIONS = tuple(ops.positional_encodings(1, 1))
FEWEST_PATCHES, MOST_PATCHES = 16, 64


@dataclass(frozen=True)
class Transformer:
    """Transformer encoders of ``[n, *input_shape]`` to ``[n, out_features]``.

    Images are cut into patches (ViT, Dosovitskiy et al. 2021, https://arxiv.org/abs/2010.11929),
    tokens embedded, numbers mapped; then come layers of self-attention and an MLP, each residual
    and normalized first, the mean over time, and a linear map. What is chosen is AutoFormer's
    (Chen et al. 2021, https://arxiv.org/abs/2107.00651, table 1) and more. Decisions: ``patch``
    (for images), ``width``, ``position``, ``depth``, and for each layer ``layer0/heads`` and
    ``layer0/ratio``.

    Example:

        .. code-block:: python

            images = spaces.Transformer(input_shape=(1, 28, 28), out_features=10)
            texts = spaces.Transformer(input_shape=(64,), out_features=2, vocabulary=10_000)
            signals = spaces.Transformer(input_shape=(100, 6), out_features=4)

    Args:
        input_shape:
            (channels, height, width) of an image; (time, features) of a sequence of numbers;
            (time,) of a sequence of tokens. Sequences may be shorter. Padding is not masked.
        out_features:
            How many numbers to predict: the classes, or 1 for a regression.
        vocabulary:
            How many tokens there are, for a sequence of them; else None.
        min_depth:
            The smallest number of layers, at least 1.
        max_depth:
            The largest number of layers.
        widths:
            Candidates for the size of a token inside.
        heads:
            Candidates for the number of a layer's heads.
        head_width:
            The size of a head, whatever their number and the width: 64 in the paper.
        ratios:
            Candidates for how many times wider than a token an MLP is inside.
        positions:
            Candidates for the positional encoding, among ``ops.positional_encodings(1, 1)``.
        patches:
            Candidates for the side of an image's patches, which divide its height and width; by
            default all that give 16 to 64 patches.

    Raises:
        ValueError:
            If an argument is not legal.
    """

    input_shape: Sequence[int]
    out_features: int
    vocabulary: int | None = None
    min_depth: int = 1
    max_depth: int = 4
    widths: Sequence[int] = (32, 48, 64)
    heads: Sequence[int] = (2, 3, 4)
    head_width: int = 16
    ratios: Sequence[float] = (1, 2, 4)
    positions: Sequence[str] = POSITIONS
    patches: Sequence[int] | None = None

    def __post_init__(self) -> None:
        self._check_input_shape()
        for name in ("out_features", "min_depth", "max_depth", "head_width"):
            check(self, name, is_whole(getattr(self, name)), "an int of at least 1")
        at_least = f"at least min_depth ({self.min_depth})"
        check(self, "max_depth", self.max_depth >= self.min_depth, at_least)
        for name in ("widths", "heads"):
            check_candidates(self, name, is_whole, "ints of at least 1")
        is_ratio = partial(_gives_neurons, min(self.widths))
        check_candidates(self, "ratios", is_ratio, "numbers that leave an MLP a neuron or more")
        expected = f"names among {', '.join(POSITIONS)}"
        check_candidates(self, "positions", POSITIONS.__contains__, expected)
        self._check_patches()

    def _check_input_shape(self) -> None:
        shape, vocabulary = self.input_shape, self.vocabulary
        is_size = vocabulary is None or is_whole(vocabulary)
        check(self, "vocabulary", is_size, "None or an int of at least 1")
        expected = "(channels, height, width) or (time, features), ints of at least 1"
        hint = "; for tokens, (time,), give their number as vocabulary"
        if vocabulary is not None:
            expected, hint = "(time,), an int of at least 1, with a vocabulary", ""
        is_shape = isinstance(shape, Sequence) and not isinstance(shape, str)
        check(self, "input_shape", is_shape and all(map(is_whole, shape)), expected, hint)
        lengths = (2, 3) if vocabulary is None else (1,)
        check(self, "input_shape", len(shape) in lengths, expected, hint)
        object.__setattr__(self, "input_shape", tuple(map(int, shape)))

    def _check_patches(self) -> None:
        if len(self.input_shape) < 3:
            check(self, "patches", self.patches is None, "None unless input_shape is an image's")
            return
        _, height, width = self.input_shape
        size = f"{height}x{width}"
        if self.patches is None:
            few = f"a list of ints, since no side gives {FEWEST_PATCHES} to {MOST_PATCHES} patches"
            check(self, "patches", len(self._sides()) > 0, f"{few} of {size} images")
            return
        divides = partial(_divides, gcd(height, width))
        expected = f"ints that divide the image's height and width ({size})"
        check_candidates(self, "patches", divides, expected)

    def _sides(self) -> Sequence[int]:
        """The candidates for the side of a patch."""
        _, height, width = self.input_shape
        return _default_patches(height, width) if self.patches is None else self.patches

    def __call__(self, trial: Trial) -> nn.Module:
        width = trial.suggest_categorical("width", self.widths)
        embedding, length = self._embedding(trial, width)
        positions = ops.positional_encodings(length, width)
        layer = partial(self._layer, trial, width)
        return nn.Sequential(
            embedding,
            trial.suggest_module("position", {name: positions[name] for name in self.positions}),
            trial.suggest_repeat("depth", self.min_depth, self.max_depth, layer),
            nn.LayerNorm(width),
            ops.Mean(),
            nn.Linear(width, self.out_features),
        )

    def _embedding(self, trial: Trial, width: int) -> tuple[nn.Module, int]:
        """What gives tokens of that width, and how many there are."""
        first, *rest = self.input_shape
        if self.vocabulary is not None:
            return nn.Embedding(self.vocabulary, width), first
        if len(rest) == 1:
            return nn.Linear(rest[0], width), first
        side = trial.suggest_categorical("patch", self._sides())
        return ops.Patches(first, width, side), prod(rest) // side**2

    def _layer(self, trial: Trial, width: int, i: int) -> nn.Module:
        at = trial.scope(f"layer{i}")
        heads = at.suggest_categorical("heads", self.heads)
        inside = int(width * at.suggest_categorical("ratio", self.ratios))
        attention = ops.SelfAttention(width, heads, self.head_width)
        mlp = (nn.Linear(width, inside), nn.GELU(), nn.Linear(inside, width))
        return nn.Sequential(
            ops.Residual(nn.Sequential(nn.LayerNorm(width), attention)),
            ops.Residual(nn.Sequential(nn.LayerNorm(width), *mlp)),
        )


def _default_patches(height: int, width: int) -> tuple[int, ...]:
    common = gcd(height, width)
    sides = (side for side in range(1, common + 1) if common % side == 0)
    return tuple(s for s in sides if FEWEST_PATCHES <= height * width // s**2 <= MOST_PATCHES)


def _divides(common: int, side: object) -> bool:
    return is_whole(side) and common % side == 0  # type: ignore[operator]


def _gives_neurons(width: int, ratio: object) -> bool:
    is_number = isinstance(ratio, int | float) and not isinstance(ratio, bool)
    return is_number and 1 <= width * ratio < float("inf")  # type: ignore[operator]
