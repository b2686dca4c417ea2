"""Multilayer perceptrons: for tables, and for small images that are flattened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import nn

from optuna_nas import ops
from optuna_nas.space import Trial
from optuna_nas.spaces._arguments import check
from optuna_nas.spaces._arguments import check_candidates
from optuna_nas.spaces._arguments import is_share
from optuna_nas.spaces._arguments import is_whole


@dataclass(frozen=True)
class MLP:
    """Multilayer perceptrons of ``[n, ...]``, which they flatten, to ``[n, out_features]``.

    A hidden layer is linear, normalization, activation, dropout; a residual one adds its input, by
    a linear map where the width changes. Decisions: ``depth``, ``width`` (or ``layer0/width``,
    ``layer1/width``, ...), ``activation``, ``norm``, ``dropout``, ``residual``.

    Example:

        .. code-block:: python

            network = spaces.MLP(in_features=64, out_features=10)
            study.optimize(Objective(network, Train(train, valid, epochs=20)), n_trials=50)

    Args:
        in_features:
            How many numbers an example has.
        out_features:
            How many numbers to predict: the classes, or 1 for a regression.
        min_depth:
            The smallest number of hidden layers, at least 1.
        max_depth:
            The largest number of hidden layers.
        widths:
            Candidates for the width of a hidden layer.
        shared_width:
            Whether all hidden layers have one width. If not, each chooses its own.
        activations:
            Candidates, among ``ops.activations()``.
        norms:
            Candidates, among ``ops.normalizations(width)``.
        dropouts:
            Candidates for the share of features that dropout drops after a hidden layer.
        residual:
            Candidates for whether hidden layers are residual.

    Raises:
        ValueError:
            If an argument is not legal.
    """

    in_features: int
    out_features: int
    min_depth: int = 1
    max_depth: int = 4
    widths: Sequence[int] = (32, 64, 128, 256)
    shared_width: bool = True
    activations: Sequence[str] = ("relu", "gelu", "silu", "tanh")
    norms: Sequence[str] = ("none", "batch", "layer")
    dropouts: Sequence[float] = (0.0, 0.1, 0.2, 0.3)
    residual: Sequence[bool] = (False, True)

    def __post_init__(self) -> None:
        for name in ("in_features", "out_features", "min_depth", "max_depth"):
            check(self, name, is_whole(getattr(self, name)), "an int of at least 1")
        at_least = f"at least min_depth ({self.min_depth})"
        check(self, "max_depth", self.max_depth >= self.min_depth, at_least)
        check(self, "shared_width", isinstance(self.shared_width, bool), "True or False")
        check_candidates(self, "widths", is_whole, "ints of at least 1")
        for name, legal in (("activations", ops.activations()), ("norms", ops.normalizations(1))):
            check_candidates(self, name, legal.__contains__, f"names among {', '.join(legal)}")
        check_candidates(self, "dropouts", is_share, "numbers of at least 0 and below 1")
        check_candidates(self, "residual", lambda value: isinstance(value, bool), "bools")

    def __call__(self, trial: Trial) -> nn.Module:
        body, width = self._shared(trial) if self.shared_width else self._per_layer(trial)
        return nn.Sequential(nn.Flatten(), body, nn.Linear(width, self.out_features))

    def _shared(self, trial: Trial) -> tuple[nn.Module, int]:
        width: int = trial.suggest_categorical("width", self.widths)

        def layer(i: int) -> nn.Module:
            return self._layer(trial, self.in_features if i == 0 else width, width)

        return trial.suggest_repeat("depth", self.min_depth, self.max_depth, layer), width

    def _per_layer(self, trial: Trial) -> tuple[nn.Module, int]:
        """A plain loop: a repeat's blocks must all give one shape."""
        layers, width = [], self.in_features
        for i in range(trial.suggest_int("depth", self.min_depth, self.max_depth)):
            before, width = width, trial.suggest_categorical(f"layer{i}/width", self.widths)
            layers.append(self._layer(trial, before, width))
        return nn.Sequential(*layers), width

    def _layer(self, trial: Trial, inputs: int, width: int) -> nn.Module:
        norms, activations = ops.normalizations(width), ops.activations()
        layer = nn.Sequential(
            nn.Linear(inputs, width),
            trial.suggest_module("norm", {name: norms[name] for name in self.norms}),
            trial.suggest_module("activation", {n: activations[n] for n in self.activations}),
            nn.Dropout(trial.suggest_categorical("dropout", self.dropouts)),
        )
        if not trial.suggest_categorical("residual", self.residual):
            return layer
        return ops.Residual(
            layer, None if inputs == width else nn.Linear(inputs, width, bias=False)
        )
