"""``train_epochs``: the training loop, as a generator, so that the caller owns the loop."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
import math
from numbers import Integral

import torch
from torch import nn
from torch import Tensor

from optuna_nas.training._data import Batch
from optuna_nas.training._data import Data
from optuna_nas.training._data import load
from optuna_nas.training._data import Rows
from optuna_nas.training._device import resolve_device
from optuna_nas.training._losses import check_outputs
from optuna_nas.training._losses import default_loss
from optuna_nas.training._recipe import Recipe
from optuna_nas.training._rejected import Rejected
from optuna_nas.training._scores import evaluate
from optuna_nas.training._scores import Metric
from optuna_nas.training._seeds import spawn


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
    device = resolve_device(device)
    rows = load(train, "train").to(device)
    held_out = None if valid is None else load(valid, "valid").to(device)
    module.to(device)
    rates = [group["lr"] for group in recipe.optimizer.param_groups]
    loop = _Loop(module, recipe, rates, epochs, device, generator, spawn(generator, device))
    # Eight batches without a graph take no more memory than one with it, as a rule.
    size = 8 * recipe.batch_size
    for number in range(1, epochs + 1):
        loss = loop.epoch(rows, number)
        _check_finite("loss", loss, number, epochs)
        value = None if held_out is None else evaluate(module, held_out, metric, size)
        _check_finite("score", value, number, epochs)
        yield Epoch(number, loss, value)


@dataclass(frozen=True)
class _Loop:
    module: nn.Module
    recipe: Recipe
    rates: list[float]
    epochs: int
    device: torch.device
    order: torch.Generator
    noise: torch.Generator

    def epoch(self, rows: Rows, number: int) -> float:
        """One epoch; nothing in it waits for the device. Returns the mean loss."""
        self.module.train()
        size = self.recipe.batch_size
        steps = rows.steps(size)
        total, seen = torch.zeros((), device=self.device), 0
        for step, batch in enumerate(rows.batches(size, self.order)):
            done = (step + 0.5) / steps if steps else 0.5
            self.set_rates(min(1.0, (number - 1 + done) / self.epochs))
            loss = self.loss(batch)
            self.step(loss)
            total.add_(loss.detach(), alpha=len(batch.targets))
            seen += len(batch.targets)
        if not seen:
            raise ValueError("train gave no batches: drop_last with fewer rows than a batch?")
        return float(total) / seen

    def set_rates(self, progress: float) -> None:
        factor = self.recipe.schedule(progress)
        for group, rate in zip(self.recipe.optimizer.param_groups, self.rates, strict=True):
            group["lr"] = rate * factor

    def step(self, loss: Tensor) -> None:
        self.recipe.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        if self.recipe.clip_norm is not None:
            nn.utils.clip_grad_norm_(self.module.parameters(), self.recipe.clip_norm)
        self.recipe.optimizer.step()

    def loss(self, batch: Batch) -> Tensor:
        inputs, targets, bounds = batch
        if self.recipe.augment is not None:
            inputs = self.recipe.augment(inputs, self.noise)
        outputs = self.module(inputs)
        if self.recipe.loss is not None:
            return self.recipe.loss(outputs, targets)
        check_outputs(outputs, targets, bounds)
        return default_loss(outputs, targets, self.recipe.label_smoothing)


def _check_finite(what: str, value: float | None, number: int, epochs: int) -> None:
    if value is not None and not math.isfinite(value):
        raise Rejected(f"{what} is {value} in epoch {number} of {epochs}")


def check_epochs(epochs: int) -> None:
    """Checks a number of epochs.

    Args:
        epochs:
            How many.

    Raises:
        ValueError:
            If it is not an int of at least 1.
    """
    if not isinstance(epochs, Integral) or epochs < 1:
        raise ValueError(f"epochs must be an int of at least 1, but is {epochs!r}.")
