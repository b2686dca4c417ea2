"""``StackedLoop``: the training loop of :mod:`._points`, for k members at a time.

Each member sees its own rows in its own order, as if it were trained alone.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
import math
from typing import Any

import torch
from torch import nn
from torch import Tensor
from torch.nn import functional as F

from optuna_nas.training._data import Batch
from optuna_nas.training._data import Resident
from optuna_nas.training._losses import check_outputs
from optuna_nas.training._losses import default_loss
from optuna_nas.training._recipe import Recipe
from optuna_nas.training._scores import Metric
from optuna_nas.training._scores import named_score
from optuna_nas.training._seeds import spawn
from optuna_nas.training._stacked_module import Stack
from optuna_nas.training._stacked_optimizer import StackedOptimizer


@dataclass(frozen=True)
class Member:
    """A candidate that waits for its training.

    Args:
        module:
            The candidate, on the device.
        trial:
            Whom to report to.
        recipe:
            How to train it.
        generator:
            Where order and augmentation come from, on the CPU.
    """

    module: nn.Module
    trial: Any
    recipe: Recipe
    generator: torch.Generator


class StackedLoop:
    """Trains k members of one structure.

    Args:
        members:
            Their recipes agree in loss, label smoothing and batch size.
        train:
            What to train on, on the device.
        valid:
            What to score on, on the device.
        epochs:
            How many the schedules span.
        metric:
            As for :class:`Train`.
    """

    def __init__(
        self,
        members: Sequence[Member],
        train: Resident,
        valid: Resident,
        *,
        epochs: int,
        metric: Metric,
    ) -> None:
        modules, recipes = [m.module for m in members], [m.recipe for m in members]
        self.stack = Stack(modules)
        self._optimizer = StackedOptimizer(self.stack, modules, recipes)
        self._members = list(members)
        self._train, self._valid = train, valid
        self._epochs, self._metric = epochs, metric
        self._size = recipes[0].batch_size
        self._bounds, self._valid_bounds = train.peek().bounds, valid.peek().bounds
        self._noises = [spawn(m.generator, train.inputs.device) for m in members]
        self._loss = loss_of(recipes[0], self._bounds)

    def epoch(self, number: int) -> tuple[list[float], list[float]]:
        """Trains for an epoch; each member's mean loss and score.

        Args:
            number:
                Counted from 1.
        """
        k, device = len(self._members), self._train.inputs.device
        total, trained = torch.zeros(k, device=device), 0
        steps = self._train.steps(self._size)
        self.stack.train(True)
        for step, batch in enumerate(self.batches()):
            progress = (number - 1 + (step + 0.5) / steps) / self._epochs
            losses = self.step(batch, min(1.0, progress))
            rows = batch.targets.shape[1]
            total.add_(losses, alpha=rows)
            trained += rows
        means = (total / trained).tolist()
        return means, self._scores(means)

    def batches(self) -> Iterator[Batch]:
        """An epoch's batches, ``[k, rows, ...]``; each member has its own order."""
        inputs, targets = self._train.inputs, self._train.targets
        orders = [torch.randperm(len(inputs), generator=m.generator) for m in self._members]
        order = torch.stack(orders).to(inputs.device)
        for rows in torch.split(order, self._size, dim=1)[: self._train.steps(self._size)]:
            flat = rows.flatten()
            x, y = (
                column.index_select(0, flat).view(*rows.shape, *column.shape[1:])
                for column in (inputs, targets)
            )
            yield Batch(x, y, self._bounds)

    def step(self, batch: Batch, progress: float) -> Tensor:
        """Makes a step of training; the losses, ``[k]``.

        Args:
            batch:
                ``[k, rows, ...]``.
            progress:
                What the schedules follow.
        """
        losses = self._losses(self._augmented(batch.inputs), batch.targets)
        self._optimizer.backward(losses.sum())
        self._optimizer.step(progress)
        return losses.detach()

    def keep(self, kept: Sequence[int]) -> None:
        """Trains no others any more.

        Args:
            kept:
                Of those that are left, in order.
        """
        rows = torch.tensor(kept, device=self._train.inputs.device)
        self._members = [self._members[i] for i in kept]
        self._noises = [self._noises[i] for i in kept]
        self.stack.keep(rows)
        self._optimizer.keep(kept, rows)

    def outputs(self, inputs: Tensor) -> Tensor:
        """What each member gives for the same inputs in eval mode, ``[k, n, ...]``.

        Args:
            inputs:
                ``[n, ...]``.
        """
        self.stack.train(False)
        with torch.no_grad():
            return self.stack(_forward, inputs, shared=1)

    def _losses(self, inputs: Tensor, targets: Tensor) -> Tensor:
        recipe = self._members[0].recipe
        if recipe.loss is not None:
            return self.stack(self._loss, inputs, targets)
        outputs = self.stack(_forward, inputs)
        check_outputs(outputs[0], targets[0], self._bounds)
        return default_losses(outputs, targets, recipe.label_smoothing)

    def _augmented(self, inputs: Tensor) -> Tensor:
        augments = [m.recipe.augment for m in self._members]
        if all(augment is None for augment in augments):
            return inputs
        each = zip(augments, inputs, self._noises, strict=True)
        return torch.stack([x if change is None else change(x, g) for change, x, g in each])

    def _scores(self, losses: Sequence[float]) -> list[float]:
        """NaN without asking the metric, which may not take what such a network gives."""
        parts = [self.outputs(batch.inputs) for batch in self._valid.batches(4 * self._size)]
        outputs, targets = torch.cat(parts, dim=1), self._valid.targets
        if not callable(self._metric):
            check_outputs(outputs[0], targets, self._valid_bounds, several=False)
        return [
            _score(own, targets, self._metric) if math.isfinite(loss) else math.nan
            for own, loss in zip(outputs, losses, strict=True)
        ]


def _forward(forward: Callable[[Tensor], Tensor], inputs: Tensor) -> Tensor:
    return forward(inputs)


def _score(outputs: Tensor, targets: Tensor, metric: Metric) -> float:
    if callable(metric):
        return float(metric(outputs, targets))
    return float(named_score(metric, targets.is_floating_point()).function(outputs, targets))


def loss_of(recipe: Recipe, bounds: tuple[int, int] | None) -> Callable[..., Tensor]:
    """A member's loss, as the loop for a single one has it: of (forward, inputs, targets).

    Args:
        recipe:
            The member's.
        bounds:
            The lowest and the highest class; None if the targets are floats.
    """

    def loss(forward: Callable[[Tensor], Any], inputs: Tensor, targets: Tensor) -> Tensor:
        outputs = forward(inputs)
        if recipe.loss is not None:
            return recipe.loss(outputs, targets)
        check_outputs(outputs, targets, bounds)
        return default_loss(outputs, targets, recipe.label_smoothing)

    return loss


def default_losses(outputs: Tensor, targets: Tensor, label_smoothing: float) -> Tensor:
    """:func:`default_loss` of each member, ``[k]``; vmap takes longer.

    Args:
        outputs:
            ``[k, n, ...]``.
        targets:
            ``[k, n, ...]``.
        label_smoothing:
            As for :func:`default_loss`.
    """
    k = len(targets)
    floats = targets.is_floating_point()
    if outputs.ndim != targets.ndim + (not floats):  # several predictions a row
        smoothed = partial(default_loss, label_smoothing=label_smoothing)
        several: Tensor = torch.vmap(smoothed)(outputs, targets)
        return several
    outputs, targets = outputs.flatten(0, 1), targets.flatten(0, 1)
    if floats:
        each = F.mse_loss(outputs, targets, reduction="none")
    else:
        each = F.cross_entropy(outputs, targets, reduction="none", label_smoothing=label_smoothing)
    return each.reshape(k, -1).mean(1)
