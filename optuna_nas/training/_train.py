"""``Train``: the evaluator that trains a candidate and says what it scores."""

from __future__ import annotations

from time import perf_counter
from typing import Any

import optuna.exceptions
import torch
from torch import nn
from torch import Tensor

from optuna_nas.training._arrays import check_classes
from optuna_nas.training._data import Batch
from optuna_nas.training._data import Data
from optuna_nas.training._data import load
from optuna_nas.training._data import Resident
from optuna_nas.training._data import Rows
from optuna_nas.training._device import resolve_device
from optuna_nas.training._epochs import check_epochs
from optuna_nas.training._epochs import train_epochs
from optuna_nas.training._recipe import default_recipe
from optuna_nas.training._recipe import make_recipe
from optuna_nas.training._recipe import MakeRecipe
from optuna_nas.training._rejected import is_out_of_memory
from optuna_nas.training._rejected import Rejected
from optuna_nas.training._scores import Metric
from optuna_nas.training._scores import named_score
from optuna_nas.training._seeds import check_seed
from optuna_nas.training._seeds import generator_for


class Train:
    """Trains a candidate, reports each epoch, and returns the score of the best one.

    It is an evaluator: a function of (module, trial). It leaves the user attrs ``curve`` (the
    score of each epoch), ``seconds`` and ``epochs`` (as many as were trained), also when the trial
    is pruned. The module is left on the device, in eval mode, with the last epoch's weights.

    Example:

        .. code-block:: python

            train = Train((X_train, y_train), (X_valid, y_valid), epochs=20)
            study.optimize(Objective(network, train), n_trials=100)

    Args:
        train:
            What to train on: a pair (X, y) of arrays or tensors, a Dataset or a DataLoader.
            Integers and bools in y are classes, floats are numbers to predict. Pairs and
            TensorDatasets live on the device; other Datasets are loaded anew each epoch, since
            they may hold random transforms; DataLoaders are used as they are.
        valid:
            What to score each epoch on, likewise.
        epochs:
            How many, at most: the trial's pruner may stop earlier.
        recipe:
            A function of (trial, module) that gives a :class:`Recipe`; it may ask the trial.
        metric:
            ``"accuracy"`` (the default for classes), ``"r2"`` (the default for floats), ``"mse"``,
            ``"mae"``, ``"loss"`` (cross entropy or mean squared error), or a function of
            (outputs, targets) over all of ``valid``.
        direction:
            ``"maximize"`` or ``"minimize"``, for a metric that is a function.
        device:
            ``"auto"`` (the first CUDA device, else the CPU), or a device of torch's.
        seed:
            For order and augmentation, together with the trial's number. None draws from torch's
            global generator, from which initial weights and dropout come in any case.

    Raises:
        TypeError:
            If the data are of a kind that cannot be trained on.
        ValueError:
            If any argument is not what is said above; if data hold NaN, infinity, no rows, one
            class only, or not as many X as y; if the outputs of a network do not fit them.
        Rejected:
            From a call: if the loss is not finite, if memory runs out, or if there is nothing to
            train.
    """

    def __init__(
        self,
        train: Data,
        valid: Data,
        *,
        epochs: int,
        recipe: MakeRecipe = default_recipe,
        metric: Metric = None,
        direction: str | None = None,
        device: str | torch.device = "auto",
        seed: int | None = None,
    ) -> None:
        check_epochs(epochs)
        check_seed(seed)
        resolve_device(device)
        self.epochs = epochs
        self.recipe = recipe
        self.metric = metric
        self.device = device
        self.seed = seed
        self._train = load(train, "train")
        self._valid = load(valid, "valid")
        peeked = _check_alike(self._train, self._valid)
        self.example: Tensor | None = None if peeked is None else peeked.inputs
        """Two rows of X on the CPU, for a dry run; None if only iterating would tell."""
        self.direction = direction_of(
            metric, direction, None if peeked is None else peeked.targets
        )
        """``"maximize"`` or ``"minimize"``."""

    def __call__(self, module: nn.Module, trial: Any) -> float:
        """Trains the module, and returns the score of the best epoch.

        Args:
            module:
                The candidate.
            trial:
                An ``optuna.Trial``, or anything with ``report``, ``should_prune``,
                ``set_user_attr`` and what the recipe asks.
        """
        device = resolve_device(self.device)
        self._train, self._valid = self._train.to(device), self._valid.to(device)
        curve: list[float] = []
        started = perf_counter()
        try:
            self._run(module, trial, device, curve)
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            reason = f"out of memory on {device} in epoch {len(curve) + 1}: {error}"
        else:
            return max(curve) if self.direction == "maximize" else min(curve)
        finally:
            trial.set_user_attr("curve", curve)
            trial.set_user_attr("seconds", perf_counter() - started)
            trial.set_user_attr("epochs", len(curve))
        # Raised out here, it does not hold on to the frames, and so to the memory, of the failure.
        raise Rejected(reason)

    def _run(
        self, module: nn.Module, trial: Any, device: torch.device, curve: list[float]
    ) -> None:
        recipe = make_recipe(self.recipe, trial, module.to(device))
        generator = generator_for(self.seed, getattr(trial, "number", 0))
        for epoch in train_epochs(
            module,
            self._train,
            self._valid,
            recipe=recipe,
            epochs=self.epochs,
            generator=generator,
            metric=self.metric,
            device=device,
        ):
            assert epoch.score is not None
            curve.append(epoch.score)
            trial.report(epoch.score, epoch.number)
            if trial.should_prune():
                raise optuna.exceptions.TrialPruned(f"stopped after epoch {epoch.number}")


def _check_alike(train: Rows, valid: Rows) -> Batch | None:
    """Checks the two parts against each other; returns two rows of the first, where it can."""
    if isinstance(train, Resident):
        check_classes(train.targets, "train")
    first, second = train.peek(), valid.peek()
    if first is None or second is None:
        return first
    if first.targets.dtype != second.targets.dtype:
        raise ValueError(
            "train and valid must have targets of one kind, but y is "
            f"{first.targets.dtype} in train and {second.targets.dtype} in valid."
        )
    columns, others = (part.inputs.shape[1:] for part in (first, second))
    if len(columns) == len(others) == 1 and columns != others:
        raise ValueError(
            f"train and valid must have the same columns, but X has {columns[0]} in train and "
            f"{others[0]} in valid."
        )
    return first


def direction_of(metric: Metric, direction: str | None, targets: Tensor | None) -> str:
    """Which way the metric goes."""
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
