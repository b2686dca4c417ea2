"""Networks for tables: embeddings of numbers and categories, residual blocks, many heads."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
import math
from statistics import NormalDist
from typing import Any

from torch import nn

from optuna_nas import ops
from optuna_nas.space import Trial
from optuna_nas.spaces._arguments import check
from optuna_nas.spaces._arguments import check_candidates
from optuna_nas.spaces._arguments import is_share
from optuna_nas.spaces._arguments import is_whole
from optuna_nas.spaces._params_near import params_near


TASKS = ("classification", "regression")
NUMERIC = ("none", "periodic", "piecewise")
CATEGORICAL = ("onehot", "embedding")
ADAPTERS = ("first", "all")
BLOCKS = ("plain", "residual")

DEFAULT = {
    "numeric": "none",
    "numeric_width": 8,
    "frequency_scale": 0.1,
    "categorical": "onehot",
    "categorical_width": 8,
    "ensemble": 16,
    "adapters": "first",
    "block": "plain",
    "width": 128,
    "depth": 2,
    "norm": "none",
    "activation": "silu",
    "dropout": 0.0,
}
"""By hand, as measured in ``studies/tabular``."""

FREQUENCIES = 24
NORMAL_BINS = 16
MOST_ONE_HOT = 16


@dataclass(frozen=True)
class Tabular:
    """Networks for tables, ``[n, numeric + len(cardinalities)]`` to ``[n, out_features]``.

    Numbers may be embedded (Gorishniy et al. 2022, https://arxiv.org/abs/2203.05556), categories
    are one-hot or embedded, then come plain or residual blocks, and a head. An ensemble is k
    networks that share their weights (TabM, Gorishniy et al. 2025,
    https://arxiv.org/abs/2410.24210); in training mode it gives ``[n, k, out_features]``, so that
    each is trained on its own loss, which ``Train`` does, and in eval mode one prediction.

    Decisions: ``numeric``, and with embeddings ``numeric_width``, with periodic ones
    ``frequency_scale``; ``categorical`` and ``categorical_width``, where there are such columns;
    ``ensemble``, and with more than one member ``adapters``; ``block``, ``width``, ``depth``,
    ``norm``, ``activation``, ``dropout``.

    Example:

        .. code-block:: python

            network = spaces.Tabular(numeric=8, cardinalities=[3, 12], out_features=2)
            study.enqueue_trial(network.default_params())
            study.optimize(Objective(network, Train(train, valid, epochs=60)), n_trials=50)

    Args:
        numeric:
            How many numbers a row begins with, of about mean 0 and deviation 1, without NaN.
        cardinalities:
            Of each column that follows, how many categories it has. A row holds their codes as
            floats, 0..cardinality, where 0 is what is unknown or missing.
        out_features:
            How many numbers to predict: the classes, or 1 for a regression.
        task:
            ``"classification"`` or ``"regression"``: how an ensemble's predictions become one.
        bins:
            Of each number, the edges of the bins of piecewise embeddings, increasing, for instance
            its quantiles. None takes those of the standard normal distribution.
        numeric_embeddings:
            Candidates, among ``"none"``, ``"periodic"`` and ``"piecewise"``.
        numeric_widths:
            Candidates for the size of a number's embedding.
        frequency_scales:
            Candidates for the deviation of the initial frequencies of periodic embeddings.
        categorical_embeddings:
            Candidates, among ``"onehot"`` and ``"embedding"``. Columns of more than 16 categories
            are embedded in either case.
        categorical_widths:
            Candidates for the size of a category's embedding.
        ensembles:
            Candidates for the number of networks in one.
        adapters:
            Candidates for what the members of an ensemble have of their own besides their heads:
            weights of the inputs (``"first"``, TabM-mini), or of each layer (``"all"``, TabM).
        blocks:
            Candidates, among ``"plain"`` (linear, norm, activation, dropout) and ``"residual"``
            (the same after a norm, and a second linear map, added to their input).
        widths:
            Candidates for the width of the hidden layers.
        min_depth:
            The smallest number of blocks, at least 1.
        max_depth:
            The largest number of blocks.
        norms:
            Candidates, among ``ops.normalizations(width)``.
        activations:
            Candidates, among ``ops.activations()``.
        dropouts:
            Candidates for the share of features that dropout drops in a block.

    Raises:
        ValueError:
            If an argument is not legal.
    """

    numeric: int
    cardinalities: Sequence[int]
    out_features: int
    task: str = "classification"
    bins: Sequence[Sequence[float]] | None = None
    numeric_embeddings: Sequence[str] = NUMERIC
    numeric_widths: Sequence[int] = (4, 8, 16)
    frequency_scales: Sequence[float] = (0.03, 0.1, 0.3)
    categorical_embeddings: Sequence[str] = CATEGORICAL
    categorical_widths: Sequence[int] = (4, 8, 16)
    ensembles: Sequence[int] = (1, 8, 16, 32)
    adapters: Sequence[str] = ADAPTERS
    blocks: Sequence[str] = BLOCKS
    widths: Sequence[int] = (64, 128, 256)
    min_depth: int = 1
    max_depth: int = 3
    norms: Sequence[str] = ("none", "batch", "layer")
    activations: Sequence[str] = ("relu", "gelu", "silu")
    dropouts: Sequence[float] = (0.0, 0.1, 0.2, 0.4)

    def __post_init__(self) -> None:
        self._check_columns()
        for name in ("out_features", "min_depth", "max_depth"):
            check(self, name, is_whole(getattr(self, name)), "an int of at least 1")
        at_least = f"at least min_depth ({self.min_depth})"
        check(self, "max_depth", self.max_depth >= self.min_depth, at_least)
        check(self, "task", self.task in TASKS, f"one of {', '.join(TASKS)}")
        for name in ("numeric_widths", "categorical_widths", "ensembles", "widths"):
            check_candidates(self, name, is_whole, "ints of at least 1")
        for name, names in (
            ("numeric_embeddings", NUMERIC),
            ("categorical_embeddings", CATEGORICAL),
            ("adapters", ADAPTERS),
            ("blocks", BLOCKS),
            ("norms", tuple(ops.normalizations(1))),
            ("activations", tuple(ops.activations())),
        ):
            check_candidates(self, name, names.__contains__, f"names among {', '.join(names)}")
        check_candidates(self, "frequency_scales", _is_positive, "positive numbers")
        check_candidates(self, "dropouts", is_share, "numbers of at least 0 and below 1")

    def _check_columns(self) -> None:
        check(self, "numeric", is_whole(self.numeric, low=0), "an int of at least 0")
        sizes, expected = self.cardinalities, "a list of ints of at least 1, one a column"
        is_list = isinstance(sizes, Sequence) and not isinstance(sizes, str)
        check(self, "cardinalities", is_list and all(map(is_whole, sizes)), expected)
        object.__setattr__(self, "cardinalities", tuple(map(int, sizes)))
        hint = " and no numeric columns either: there is nothing to learn from"
        check(self, "cardinalities", self.numeric + len(sizes) > 0, "given", hint)
        self._check_bins()

    def _check_bins(self) -> None:
        if self.bins is None:
            return
        expected = f"None or {self.numeric} lists, of two edges or more each, increasing"
        try:
            bins = tuple(tuple(map(float, edges)) for edges in self.bins)
        except TypeError:
            bins = ()
        legal = len(bins) == self.numeric and all(map(_are_edges, bins))
        check(self, "bins", legal, expected)
        object.__setattr__(self, "bins", bins)

    def __call__(self, trial: Trial) -> nn.Module:
        inputs, sizes = self._inputs(trial)
        k = trial.suggest_categorical("ensemble", self.ensembles)
        adapted = k > 1 and trial.suggest_categorical("adapters", self.adapters) == "all"
        block = trial.suggest_categorical("block", self.blocks)
        width = trial.suggest_categorical("width", self.widths)
        linear: _Linear = nn.Linear
        first: _Linear = nn.Linear
        if adapted:
            linear = partial(ops.BatchEnsembleLinear, k)
            first = partial(ops.BatchEnsembleLinear, k, scale_inputs=False)
        make = self._residual if block == "residual" else self._plain
        body = make(trial, sum(sizes), width, first, linear)
        if k == 1:
            return nn.Sequential(inputs, body, nn.Linear(width, self.out_features))
        classes = self.task == "classification"
        heads = ops.EnsembleHeads(k, width, self.out_features, classes=classes)
        return nn.Sequential(inputs, ops.EnsembleInputs(k, sizes), body, heads)

    def default_params(self) -> dict[str, Any]:
        """Returns params that do well without a search, for the first trial of one.

        They are those measured in ``studies/tabular`` (trained at a learning rate of 3e-3), or the
        nearest candidates.
        """
        return params_near(self, DEFAULT)

    def _inputs(self, trial: Trial) -> tuple[nn.Module, list[int]]:
        """What embeds a row, and of each feature how many numbers become of it."""
        parts: list[tuple[Sequence[int], nn.Module]] = []
        sizes: list[int] = []
        if self.numeric:
            embedding, width = self._numeric(trial)
            parts.append((range(self.numeric), embedding))
            sizes += [width] * self.numeric
        one_hot, embedded = self._split(trial)
        cardinalities = {self.numeric + i: size for i, size in enumerate(self.cardinalities)}
        if one_hot:
            chosen = [cardinalities[i] for i in one_hot]
            parts.append((one_hot, ops.OneHot(chosen)))
            sizes += chosen
        if embedded:
            width = trial.suggest_categorical("categorical_width", self.categorical_widths)
            chosen = [cardinalities[i] for i in embedded]
            parts.append((embedded, ops.CategoryEmbedding(chosen, width)))
            sizes += [width] * len(embedded)
        return ops.Columns(parts), sizes

    def _numeric(self, trial: Trial) -> tuple[nn.Module, int]:
        kind = trial.suggest_categorical("numeric", self.numeric_embeddings)
        if kind == "none":
            return nn.Identity(), 1
        width = trial.suggest_categorical("numeric_width", self.numeric_widths)
        if kind == "piecewise":
            return ops.PiecewiseLinearEmbedding(self._edges(), width), width
        scale = trial.suggest_categorical("frequency_scale", self.frequency_scales)
        return ops.PeriodicEmbedding(self.numeric, width, FREQUENCIES, scale), width

    def _edges(self) -> Sequence[Sequence[float]]:
        return [_normal_edges()] * self.numeric if self.bins is None else self.bins

    def _split(self, trial: Trial) -> tuple[list[int], list[int]]:
        """Which columns are one-hot and which are embedded."""
        columns = range(self.numeric, self.numeric + len(self.cardinalities))
        sizes = zip(columns, self.cardinalities, strict=True)
        small = [column for column, size in sizes if size <= MOST_ONE_HOT]
        if not small:
            return [], list(columns)
        if trial.suggest_categorical("categorical", self.categorical_embeddings) == "embedding":
            return [], list(columns)
        return small, [column for column in columns if column not in small]

    def _plain(
        self, trial: Trial, inputs: int, width: int, first: _Linear, linear: _Linear
    ) -> nn.Module:
        def block(i: int) -> nn.Module:
            enter = linear(width, width) if i else first(inputs, width)
            return nn.Sequential(enter, self._norm(trial, width), *self._after(trial))

        return trial.suggest_repeat("depth", self.min_depth, self.max_depth, block)

    def _residual(
        self, trial: Trial, inputs: int, width: int, first: _Linear, linear: _Linear
    ) -> nn.Module:
        """The ResNet of Gorishniy et al. 2021, https://arxiv.org/abs/2106.11959, sec. 3.2."""

        def block(i: int) -> nn.Module:
            enter = (self._norm(trial, width), linear(width, width), *self._after(trial))
            return ops.Residual(nn.Sequential(*enter, linear(width, width)))

        return nn.Sequential(
            first(inputs, width),
            trial.suggest_repeat("depth", self.min_depth, self.max_depth, block),
            self._norm(trial, width),
            self._activation(trial),
        )

    def _after(self, trial: Trial) -> tuple[nn.Module, nn.Module]:
        dropout = trial.suggest_categorical("dropout", self.dropouts)
        return self._activation(trial), nn.Dropout(dropout)

    def _norm(self, trial: Trial, width: int) -> nn.Module:
        norms = ops.normalizations(width)
        return trial.suggest_module("norm", {name: norms[name] for name in self.norms})

    def _activation(self, trial: Trial) -> nn.Module:
        functions = ops.activations()
        return trial.suggest_module("activation", {n: functions[n] for n in self.activations})


_Linear = Callable[[int, int], nn.Module]


def _normal_edges() -> tuple[float, ...]:
    """Quantiles of the standard normal distribution; the outer ones of a sample of thousands."""
    inner = (NormalDist().inv_cdf(i / NORMAL_BINS) for i in range(1, NORMAL_BINS))
    return (-3.0, *inner, 3.0)


def _is_positive(value: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and 0 < value < math.inf


def _are_edges(edges: Sequence[float]) -> bool:
    increasing = all(a < b for a, b in pairwise(edges))
    return len(edges) >= 2 and increasing and all(map(math.isfinite, edges))
