"""Scores on held-out data, by the names of scikit-learn's, computed on the device."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TypeAlias

import torch
from torch import nn
from torch import Tensor
from torch.nn import functional as F

from optuna_nas.training._data import Data
from optuna_nas.training._data import load
from optuna_nas.training._data import Rows
from optuna_nas.training._losses import check_outputs
from optuna_nas.training._losses import default_loss


Metric: TypeAlias = str | Callable[[Tensor, Tensor], float | Tensor] | None
"""``"accuracy"``, ``"r2"``, ``"mse"``, ``"mae"``, ``"loss"``, a function of (outputs, targets), or
None: accuracy for classes, r2 for floats."""


def accuracy(outputs: Tensor, targets: Tensor) -> Tensor:
    """The share of classes that are the largest output.

    Args:
        outputs:
            ``[n, C, ...]``.
        targets:
            Classes ``[n, ...]``.
    """
    return (outputs.argmax(1) == targets).double().mean()


def r2(outputs: Tensor, targets: Tensor) -> Tensor:
    """The share of the variance explained, averaged over outputs, as scikit-learn's ``r2_score``.

    Args:
        outputs:
            ``[n, ...]``.
        targets:
            Floats of the same shape. Where they are constant it is 1 if met exactly, else 0.
    """
    outputs, targets = outputs.double().flatten(1), targets.double().flatten(1)
    rest = (targets - outputs).square().sum(0)
    spread = (targets - targets.mean(0)).square().sum(0)
    return torch.where(spread > 0, 1 - rest / spread, (rest == 0).double()).mean()


@dataclass(frozen=True)
class Score:
    """What a metric's name stands for.

    Args:
        function:
            Of (outputs, targets).
        direction:
            ``"maximize"`` or ``"minimize"``.
        floats:
            Whether the targets must be floats; None if both will do.
    """

    function: Callable[[Tensor, Tensor], Tensor]
    direction: str
    floats: bool | None


SCORES = {
    "accuracy": Score(accuracy, "maximize", floats=False),
    "r2": Score(r2, "maximize", floats=True),
    "mse": Score(F.mse_loss, "minimize", floats=True),
    "mae": Score(F.l1_loss, "minimize", floats=True),
    # Never the recipe's own loss: that may hold decisions of the trial, which must not move this.
    "loss": Score(default_loss, "minimize", floats=None),
}


def score(module: nn.Module, data: Data, metric: Metric = None, *, batch_size: int = 256) -> float:
    """What a trained network scores on data, for instance on the test part.

    Args:
        module:
            The network. It is left in eval mode, on the device where it was.
        data:
            A pair (X, y), a Dataset or a DataLoader.
        metric:
            As for :class:`Train`.
        batch_size:
            Rows in one forward pass; a DataLoader's own wins.

    Raises:
        ValueError:
            If the metric is unknown or does not go with the targets, or if the outputs' shape
            does not fit them.
    """
    device = next((tensor.device for tensor in module.parameters()), torch.device("cpu"))
    return evaluate(module, load(data, "data").to(device), metric, batch_size)


def evaluate(module: nn.Module, rows: Rows, metric: Metric, batch_size: int) -> float:
    """:func:`score` of rows that are where the module is.

    Args:
        module:
            The network; it is left in eval mode.
        rows:
            What to score it on.
        metric:
            As for :class:`Train`.
        batch_size:
            Rows in one forward pass.
    """
    outputs, targets = predict(module, rows, batch_size, check=not callable(metric))
    if callable(metric):
        return float(metric(outputs, targets))
    return float(named_score(metric, targets.is_floating_point()).function(outputs, targets))


def predict(module: nn.Module, rows: Rows, batch_size: int, check: bool) -> tuple[Tensor, Tensor]:
    """All outputs of a network, and the targets beside them.

    Args:
        module:
            The network; it is left in eval mode.
        rows:
            What to predict.
        batch_size:
            Rows in one forward pass.
        check:
            Whether the outputs must fit the targets.
    """
    module.eval()
    outputs, targets = [], []
    with torch.no_grad():
        for batch in rows.batches(batch_size):
            outputs.append(module(batch.inputs))
            targets.append(batch.targets)
            if check:
                check_outputs(outputs[-1], *batch[1:], several=False)
    if not outputs:
        raise ValueError("There is nothing to score: the data gave no batches.")
    return torch.cat(outputs), torch.cat(targets)


def named_score(name: str | None, floats: bool) -> Score:
    """What a metric's name stands for, given the targets.

    Args:
        name:
            The metric, or None for the default one.
        floats:
            Whether the targets are floats rather than classes.

    Raises:
        ValueError:
            If there is no such metric, or not for these targets.
    """
    name = name or ("r2" if floats else "accuracy")
    legal = [n for n, found in SCORES.items() if found.floats in (floats, None)]
    if name not in SCORES:
        near = get_close_matches(str(name), SCORES, n=1)
        guess = f" Did you mean {near[0]!r}?" if near else ""
        raise ValueError(
            f"metric must be one of {list(SCORES)} or a function of (outputs, targets), but is "
            f"{name!r}.{guess}"
        )
    if name not in legal:
        kind, other = ("floats", "classes") if floats else ("classes", "floats")
        raise ValueError(
            f"metric {name!r} needs {other}, but y holds {kind}, for which there are {legal}. "
            "Integers and bools are classes, floats are numbers to predict."
        )
    return SCORES[name]


def direction_of(metric: Metric, direction: str | None, targets: Tensor | None) -> str:
    """Which way a metric goes.

    Args:
        metric:
            As for :class:`Train`.
        direction:
            What the user says of it, or None.
        targets:
            Some of y, or None if they are not known yet.

    Raises:
        ValueError:
            If it must be said, is not legal, or is not that of the metric.
    """
    if direction not in ("maximize", "minimize", None):
        raise ValueError(f"direction must be 'maximize' or 'minimize', but is {direction!r}.")
    if callable(metric):
        if direction is None:
            raise ValueError(
                "metric is a function, so direction must be given: 'maximize' or 'minimize'."
            )
        return direction
    if targets is None and metric is None:
        raise ValueError(
            "metric must be given, since the targets of an iterable dataset are not known yet."
        )
    floats = metric in ("r2", "mse", "mae") if targets is None else targets.is_floating_point()
    known = named_score(metric, floats).direction
    if direction not in (known, None):
        raise ValueError(
            f"direction must be {known!r} for metric {metric!r}, but is {direction!r}."
        )
    return known


def name_of(metric: Metric, targets: Tensor | None) -> str:
    """What a metric is called.

    Args:
        metric:
            As for :class:`Train`.
        targets:
            Some of y; a metric that is None follows from them.
    """
    if callable(metric):
        return str(getattr(metric, "__name__", type(metric).__name__))
    return metric or ("r2" if targets is not None and targets.is_floating_point() else "accuracy")
