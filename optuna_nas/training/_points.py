"""``train_points``: the training loop, as a generator that stops for each score."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field
from itertools import count
import math

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
from optuna_nas.training._resource import Pace
from optuna_nas.training._scores import evaluate
from optuna_nas.training._scores import Metric
from optuna_nas.training._seeds import spawn


@dataclass(frozen=True)
class Point:
    """Where training stood when it was scored.

    Args:
        epochs:
            Whole ones so far.
        step:
            What it cost so far, in whole units of the resource.
        loss:
            The mean training loss over the rows since the last score.
        score:
            The metric on the validation data; None without such data.
    """

    epochs: int
    step: int
    loss: float
    score: float | None


def train_points(
    module: nn.Module,
    train: Data,
    valid: Data | None = None,
    *,
    recipe: Recipe,
    epochs: int | None,
    pace: Pace,
    generator: torch.Generator,
    metric: Metric = None,
    device: str | torch.device = "auto",
) -> Iterator[Point]:
    """Trains a module, scores it when the pace says so and at the end, and yields each score.

    It ends after the epochs or before the batch that would exceed the budget, whichever comes
    first; one batch is trained on in any case. Progress, which the schedule follows, is the larger
    of the two shares: a budget is best used by a schedule that spans it (Li et al. 2020,
    "Budgeted Training").

    Args:
        module:
            What to train. It moves to the device.
        train:
            A pair (X, y), a Dataset or a DataLoader.
        valid:
            What to score on, or None.
        recipe:
            How to train.
        epochs:
            How many at most; None if only the budget ends it.
        pace:
            When to score, and the budget.
        generator:
            Where order and augmentation come from, on the CPU.
        metric:
            As for :class:`Train`.
        device:
            As for :class:`Train`.

    Raises:
        Rejected:
            If a loss or a score is not finite.
    """
    device = resolve_device(device)
    rows = load(train, "train").to(device)
    held_out = None if valid is None else load(valid, "valid").to(device)
    module.to(device)
    rates = [group["lr"] for group in recipe.optimizer.param_groups]
    noise = spawn(generator, device)
    loop = _Loop(module, recipe, rates, epochs, pace, device, generator, noise)
    # Eight batches without a graph take no more memory than one with it, as a rule.
    size = 8 * recipe.batch_size
    for number, whole in loop.stops(rows):
        loss = loop.mean_loss()
        _check_finite("loss", loss, number, epochs)
        step = pace.step(loop.trained, whole)
        value = None if held_out is None else evaluate(module, held_out, metric, size)
        _check_finite("score", value, number, epochs)
        yield Point(whole, step, loss, value)
        pace.was_scored(loop.trained, whole)


@dataclass
class _Loop:
    module: nn.Module
    recipe: Recipe
    rates: list[float]
    epochs: int | None
    pace: Pace
    device: torch.device
    order: torch.Generator
    noise: torch.Generator
    trained: int = 0  # rows so far
    unscored: int = 0  # rows since the last score
    total: Tensor = field(init=False)  # their losses
    outside: list[nn.Parameter] = field(init=False)  # the module's that no step changes

    def __post_init__(self) -> None:
        held = {id(parameter) for parameter in held_by(self.recipe.optimizer)}
        self.outside = [p for p in self.module.parameters() if id(p) not in held]

    def stops(self, rows: Rows) -> Iterator[tuple[int, int]]:
        """Trains; stops for each score, in which epoch and after how many whole ones.

        Between two stops nothing waits for the device.
        """
        for number in count(1) if self.epochs is None else range(1, self.epochs + 1):
            whole, before = number - 1, self.trained
            for batch, done in self.batches(rows):
                if self.pace.within_epochs and self.trained:
                    is_over = self.pace.share(self.trained + len(batch.targets), whole) > 1
                    if self.unscored and (is_over or self.pace.is_due(self.trained, whole)):
                        yield number, whole
                    if is_over:
                        return
                self.train(batch, whole, done)
            if self.trained == before:
                raise ValueError("train gave no batches: drop_last with fewer rows than a batch?")
            if number == self.epochs or self.pace.is_due(self.trained, number):
                yield number, number

    def batches(self, rows: Rows) -> Iterator[tuple[Batch, float]]:
        """An epoch's batches, each with the share of the epoch at its middle."""
        size = self.recipe.batch_size
        steps = rows.steps(size)
        for step, batch in enumerate(rows.batches(size, self.order)):
            yield batch, (step + 0.5) / steps if steps else 0.5

    def train(self, batch: Batch, whole: int, done: float) -> None:
        if not self.unscored:
            self.module.train()
            self.total = torch.zeros((), device=self.device)
        rows = len(batch.targets)
        by_epochs = 0.0 if self.epochs is None else (whole + done) / self.epochs
        by_budget = self.pace.share(self.trained + rows / 2, whole)
        self.set_rates(min(1.0, max(by_epochs, by_budget)))
        loss = self.loss(batch)
        self.step(loss)
        self.total.add_(loss.detach(), alpha=rows)
        self.trained += rows
        self.unscored += rows

    def set_rates(self, progress: float) -> None:
        factor = self.recipe.schedule(progress)
        for group, rate in zip(self.recipe.optimizer.param_groups, self.rates, strict=True):
            group["lr"] = rate * factor

    def step(self, loss: Tensor) -> None:
        self.recipe.optimizer.zero_grad()
        for parameter in self.outside:
            parameter.grad = None
        loss.backward()  # type: ignore[no-untyped-call]
        if self.recipe.clip_norm is not None:
            nn.utils.clip_grad_norm_(held_by(self.recipe.optimizer), self.recipe.clip_norm)
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

    def mean_loss(self) -> float:
        """Over the rows since the last score; waits for the device, so that a clock is right."""
        mean, self.unscored = float(self.total) / self.unscored, 0
        return mean


def held_by(optimizer: torch.optim.Optimizer) -> list[nn.Parameter]:
    """The parameters that an optimizer changes.

    Args:
        optimizer:
            Any.
    """
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]


def _check_finite(what: str, value: float | None, number: int, epochs: int | None) -> None:
    if value is not None and not math.isfinite(value):
        of = "" if epochs is None else f" of {epochs}"
        raise Rejected(f"{what} is {value} in epoch {number}{of}")
