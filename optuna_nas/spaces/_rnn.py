"""Recurrent networks: for sequences of numbers, of any length."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from torch import nn

from optuna_nas import ops
from optuna_nas.space import Trial
from optuna_nas.spaces._arguments import check
from optuna_nas.spaces._arguments import check_candidates
from optuna_nas.spaces._arguments import is_share
from optuna_nas.spaces._arguments import is_whole


CELLS = tuple(ops.recurrent_layers(1, 1))
READOUTS = ("last", "mean")


@dataclass(frozen=True)
class RNN:
    """Recurrent networks of ``[n, time, in_features]`` to ``[n, out_features]``.

    One to several recurrent layers, each followed by dropout, then the last output in time or the
    mean of all, then a linear map. Decisions: ``layers``, ``cell``, ``hidden``, ``bidirectional``,
    ``dropout``, ``readout``, and with two layers or more ``skip``: whether each but the first adds
    its input. Two directions have half of the hidden size each.

    Example:

        .. code-block:: python

            network = spaces.RNN(in_features=3, out_features=5)
            study.optimize(Objective(network, Train(train, valid, epochs=20)), n_trials=50)

    Args:
        in_features:
            How many numbers a step of a sequence has.
        out_features:
            How many numbers to predict: the classes, or 1 for a regression.
        min_layers:
            The smallest number of layers, at least 1.
        max_layers:
            The largest number of layers.
        cells:
            Candidates for the kind of cell, among ``ops.recurrent_layers(1, 1)``.
        hidden:
            Candidates for the size of a layer's output.
        bidirectional:
            Candidates for whether layers read in both directions; then ``hidden`` must be even.
        dropouts:
            Candidates for the share of features that dropout drops after a layer.
        skips:
            Candidates for whether layers but the first are residual.
        readouts:
            Candidates for what the head sees, among ``"last"`` and ``"mean"``.

    Raises:
        ValueError:
            If an argument is not legal.
    """

    in_features: int
    out_features: int
    min_layers: int = 1
    max_layers: int = 3
    cells: Sequence[str] = CELLS
    hidden: Sequence[int] = (32, 64, 128)
    bidirectional: Sequence[bool] = (False, True)
    dropouts: Sequence[float] = (0.0, 0.1, 0.2, 0.3)
    skips: Sequence[bool] = (False, True)
    readouts: Sequence[str] = READOUTS

    def __post_init__(self) -> None:
        for name in ("in_features", "out_features", "min_layers", "max_layers"):
            check(self, name, is_whole(getattr(self, name)), "an int of at least 1")
        at_least = f"at least min_layers ({self.min_layers})"
        check(self, "max_layers", self.max_layers >= self.min_layers, at_least)
        for name in ("bidirectional", "skips"):
            check_candidates(self, name, lambda value: isinstance(value, bool), "bools")
        check_candidates(self, "hidden", is_whole, "ints of at least 1")
        even = not any(self.bidirectional) or not any(size % 2 for size in self.hidden)
        check(self, "hidden", even, "a list of even ints", "; or give bidirectional=[False]")
        check_candidates(self, "dropouts", is_share, "numbers of at least 0 and below 1")
        for name, legal in (("cells", CELLS), ("readouts", READOUTS)):
            check_candidates(self, name, legal.__contains__, f"names among {', '.join(legal)}")

    def __call__(self, trial: Trial) -> nn.Module:
        hidden = trial.suggest_categorical("hidden", self.hidden)
        bidirectional = trial.suggest_categorical("bidirectional", self.bidirectional)
        layer = partial(self._layer, trial, hidden, bidirectional)
        body = trial.suggest_repeat("layers", self.min_layers, self.max_layers, layer)
        readouts: dict[str, Callable[[], nn.Module]] = {
            "last": partial(ops.Last, bidirectional),
            "mean": ops.Mean,
        }
        readout = trial.suggest_module("readout", {name: readouts[name] for name in self.readouts})
        return nn.Sequential(body, readout, nn.Linear(hidden, self.out_features))

    def _layer(self, trial: Trial, hidden: int, bidirectional: bool, i: int) -> nn.Module:
        inputs = int(self.in_features) if i == 0 else hidden
        cells = ops.recurrent_layers(inputs, hidden, bidirectional=bidirectional)
        layer = nn.Sequential(
            trial.suggest_module("cell", {name: cells[name] for name in self.cells}),
            nn.Dropout(trial.suggest_categorical("dropout", self.dropouts)),
        )
        is_residual = i > 0 and trial.suggest_categorical("skip", self.skips)
        return ops.Residual(layer) if is_residual else layer
