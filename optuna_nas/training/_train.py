"""``Train``: the evaluator that trains a candidate and says what it scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
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
from optuna_nas.training._fidelity import Fidelity
from optuna_nas.training._fidelity_rungs import rungs_of
from optuna_nas.training._fidelity_rungs import train_at_each
from optuna_nas.training._inherit import check_inherit
from optuna_nas.training._inherit import Inherit
from optuna_nas.training._inherit_schedule import at_the_end
from optuna_nas.training._points import Point
from optuna_nas.training._points import train_points
from optuna_nas.training._recipe import default_recipe
from optuna_nas.training._recipe import make_recipe
from optuna_nas.training._recipe import MakeRecipe
from optuna_nas.training._rejected import is_out_of_memory
from optuna_nas.training._rejected import Rejected
from optuna_nas.training._resource import check_countable
from optuna_nas.training._resource import check_resource
from optuna_nas.training._resource import make_pace
from optuna_nas.training._resource import UNITS
from optuna_nas.training._scores import direction_of
from optuna_nas.training._scores import Metric
from optuna_nas.training._scores import name_of
from optuna_nas.training._seeds import check_seed
from optuna_nas.training._seeds import generator_for


class Train:
    """Trains a candidate, reports each score, and returns the best one.

    It is an evaluator: a function of (module, trial). It leaves the user attrs ``curve`` (the
    scores), ``seconds`` and ``epochs`` (whole ones trained), also when the trial is pruned. The
    module is left on the device, in eval mode, with the last score's weights.

    It is scored after each epoch, and steps are epochs. With another resource, steps are what the
    training has cost so far, in whole seconds or GFLOPs, and the user attr ``steps`` has one for
    each score of ``curve``. Scores, also within an epoch, are then at least a unit, a tenth of the
    cost so far, and as many rows of training as ``valid`` has apart; the last one comes at the
    end. No step is reported twice.

    Example:

        .. code-block:: python

            train = Train((X_train, y_train), (X_valid, y_valid), epochs=20)
            study.optimize(Objective(network, train), n_trials=100)

            train = Train((X_train, y_train), (X_valid, y_valid), resource="seconds", budget=60)

    Args:
        train:
            What to train on: a pair (X, y) of arrays or tensors, a Dataset or a DataLoader.
            Integers and bools in y are classes, floats are numbers to predict. Pairs and
            TensorDatasets live on the device; other Datasets are loaded anew each epoch, since
            they may hold random transforms; DataLoaders are used as they are.
        valid:
            What to score on, likewise.
        epochs:
            How many, at most: the trial's pruner may stop earlier. None if there is a budget.
        resource:
            ``"epochs"``; ``"seconds"`` on the clock, with scores and reports; or ``"flops"``, in
            GFLOPs of training: three times the forward pass as :class:`optuna_nas.metrics.Flops`
            counts it, since the backward pass takes about twice as much.
        budget:
            How much of the resource, at most: seconds or GFLOPs. Training ends there, in mid-epoch
            too, after one batch at the earliest; the schedule spans what ends first.
        fidelities:
            Cheaper trainings, the cheapest first: with several, the candidate is trained at one
            after the other, each time afresh. Steps are then what each costs in whole percent of
            the last, and the user attr ``fidelities`` has what came of each. The value is the last
            one's. With one, only that.
        inherit:
            Where trained weights are kept, so that candidates begin with their parents', and have
            the epochs of :class:`Inherit`; None to train each from scratch.
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
            From a call: if the loss is not finite, if memory runs out, if there is nothing to
            train, or if FLOPs cannot be counted where they are the resource.
    """

    def __init__(
        self,
        train: Data,
        valid: Data,
        *,
        epochs: int | None = None,
        resource: str = "epochs",
        budget: float | None = None,
        fidelities: Sequence[Fidelity] = (),
        inherit: Inherit | None = None,
        recipe: MakeRecipe = default_recipe,
        metric: Metric = None,
        direction: str | None = None,
        device: str | torch.device = "auto",
        seed: int | None = None,
    ) -> None:
        check_resource(resource, budget, epochs)
        if epochs is not None or resource == "epochs":
            check_epochs(epochs)
        check_inherit(inherit, epochs, fidelities)
        check_seed(seed)
        resolve_device(device)
        self.epochs = epochs
        self.resource = resource
        self.budget = budget
        self.inherit = inherit
        self.recipe = recipe
        self.metric = metric
        self.device = device
        self.seed = seed
        self._train = load(train, "train")
        self._valid = load(valid, "valid")
        peeked = _check_alike(self._train, self._valid)
        self.example: Tensor | None = None if peeked is None else peeked.inputs
        """Two rows of X on the CPU, for a dry run; None if only iterating would tell."""
        targets = None if peeked is None else peeked.targets
        self.direction = direction_of(metric, direction, targets)
        """``"maximize"`` or ``"minimize"``."""
        self.name = name_of(metric, targets)
        """What the score is called: ``"accuracy"``, or the name of the function."""
        if resource == "flops":
            check_countable(self.example)
        self.fidelities = fidelities
        self._rungs = rungs_of(self, fidelities)

    def __call__(self, module: nn.Module, trial: Any) -> float:
        """Trains the module, and returns its best score.

        Args:
            module:
                The candidate.
            trial:
                An ``optuna.Trial``, or anything with ``report``, ``should_prune``,
                ``set_user_attr`` and what the recipe asks.
        """
        if self._rungs:
            return train_at_each(self._rungs, module, trial)
        device = resolve_device(self.device)
        self._train, self._valid = self._train.to(device), self._valid.to(device)
        history = _History()
        started = perf_counter()
        try:
            self._run(module, trial, device, history)
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            reason = f"out of memory on {device} {self._during(history)}: {error}"
        else:
            return max(history.curve) if self.direction == "maximize" else min(history.curve)
        finally:
            trial.set_user_attr("curve", history.curve)
            trial.set_user_attr("seconds", perf_counter() - started)
            trial.set_user_attr("epochs", history.epochs)
            if self.resource != "epochs":
                trial.set_user_attr("steps", history.steps)
        # Raised out here, it does not hold on to the frames, and so to the memory, of the failure.
        raise Rejected(reason)

    def _run(self, module: nn.Module, trial: Any, device: torch.device, history: _History) -> None:
        pace = make_pace(
            self.resource,
            self.budget,
            module=module,
            example=self.example,
            valid=self._valid,
            clock=perf_counter,
        )
        epochs = self._inherit(module.to(device), trial)
        recipe = at_the_end(make_recipe(self.recipe, trial, module), epochs, self.epochs)
        points = train_points(
            module,
            self._train,
            self._valid,
            recipe=recipe,
            epochs=epochs,
            pace=pace,
            generator=generator_for(self.seed, getattr(trial, "number", 0)),
            metric=self.metric,
            device=device,
        )
        for point in points:
            if not history.add(point):
                continue
            trial.report(point.score, point.step)
            # After the last epoch there is nothing left to save, and a score to lose.
            if point.epochs != epochs and trial.should_prune():
                self._keep(module, trial)
                raise optuna.exceptions.TrialPruned(f"stopped after {self._passed(point.step)}")
        self._keep(module, trial)

    def _inherit(self, module: nn.Module, trial: Any) -> int | None:
        """Gives a candidate its parent's weights, where some fit; returns its epochs."""
        if self.inherit is None:
            return self.epochs
        inputs = self._train.inputs if isinstance(self._train, Resident) else None
        generator = generator_for(self.seed, getattr(trial, "number", 0))
        did = self.inherit.pass_on(module, trial, generator, inputs)
        return self.inherit.epochs or self.epochs if did else self.epochs

    def _keep(self, module: nn.Module, trial: Any) -> None:
        if self.inherit is not None:
            self.inherit.keep(module, trial)

    def _during(self, history: _History) -> str:
        if self.resource == "epochs":
            return f"in {self._passed(history.epochs + 1)}"
        return f"after {self._passed(max(history.steps, default=0))}"

    def _passed(self, step: int) -> str:
        return f"epoch {step}" if self.resource == "epochs" else f"{step} {UNITS[self.resource]}"


@dataclass
class _History:
    curve: list[float] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)
    epochs: int = 0

    def add(self, point: Point) -> bool:
        """Whether the point's step is new: Optuna warns of a second report at a step."""
        assert point.score is not None
        is_new = point.step not in self.steps[-1:]
        self.curve.append(point.score)
        self.steps.append(point.step)
        self.epochs = point.epochs
        return is_new


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
