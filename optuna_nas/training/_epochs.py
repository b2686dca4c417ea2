"""``train_epochs``: training epoch by epoch, as a generator, so that the caller owns the loop."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import nn

from optuna_nas._arguments import checked_int
from optuna_nas.training._data import Data
from optuna_nas.training._points import train_points
from optuna_nas.training._recipe import Recipe
from optuna_nas.training._resource import Pace
from optuna_nas.training._scores import Metric


@dataclass(frozen=True)
class Epoch:
    """What an epoch came to.

    Args:
        number:
            Counted from 1.
        loss:
            The mean training loss over the epoch's rows.
        score:
            The metric on the validation data; None without such data.
    """

    number: int
    loss: float
    score: float | None


def train_epochs(
    module: nn.Module,
    train: Data,
    valid: Data | None = None,
    *,
    recipe: Recipe,
    epochs: int,
    generator: torch.Generator,
    metric: Metric = None,
    device: str | torch.device = "auto",
) -> Iterator[Epoch]:
    """Trains a module, and yields after each epoch.

    Args:
        module:
            What to train. It moves to the device.
        train:
            What to train on: a pair (X, y), a Dataset or a DataLoader.
        valid:
            What to score each epoch on, or None.
        recipe:
            How to train.
        epochs:
            How many epochs the schedule spans. The caller may stop earlier.
        generator:
            Where order and augmentation come from, on the CPU.
        metric:
            As for :class:`Train`.
        device:
            As for :class:`Train`.

    Raises:
        Rejected:
            If the loss or the score of an epoch is not finite.
    """
    points = train_points(
        module,
        train,
        valid,
        recipe=recipe,
        epochs=epochs,
        pace=Pace(),
        generator=generator,
        metric=metric,
        device=device,
    )
    for point in points:
        yield Epoch(point.epochs, point.loss, point.score)


def check_epochs(epochs: int | None) -> None:
    """Checks a number of epochs.

    Args:
        epochs:
            How many.

    Raises:
        ValueError:
            If it is not an int of at least 1.
    """
    checked_int("epochs", epochs, 1)
