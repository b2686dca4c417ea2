"""``PathEpochs``: the epochs of single-path training, whatever the paths are.

for each batch:
    for each path of paths(supernet):
        accumulate the gradient of L(batch; path, w)
    step w
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
import math
from typing import Any
from typing import TypeAlias

from optuna.distributions import BaseDistribution
import torch
from torch import nn
from torch import Tensor

from optuna_nas.oneshot._once_for_all import OnceForAll
from optuna_nas.oneshot._one_shot import device_of
from optuna_nas.oneshot._one_shot import restored_path
from optuna_nas.oneshot._paths import Params
from optuna_nas.oneshot._supernet import Supernet
from optuna_nas.space import AnsweredTrial
from optuna_nas.training import generator_for
from optuna_nas.training import Recipe
from optuna_nas.training._data import Batch
from optuna_nas.training._data import Data
from optuna_nas.training._data import load
from optuna_nas.training._data import Rows
from optuna_nas.training._losses import check_outputs
from optuna_nas.training._losses import default_loss
from optuna_nas.training._seeds import seeded
from optuna_nas.training._seeds import spawn


CPU = torch.device("cpu")

LossOf: TypeAlias = Callable[[Recipe, Batch], Callable[[Tensor], Tensor]]
"""From a batch to the loss of outputs, so that what all paths share is computed once."""


def task_loss(recipe: Recipe, batch: Batch) -> Callable[[Tensor], Tensor]:
    """Returns the recipe's loss, from outputs to a number.

    Args:
        recipe:
            How to train.
        batch:
            Whose targets count.
    """
    _, targets, bounds = batch

    def loss(outputs: Tensor) -> Tensor:
        if recipe.loss is not None:
            return recipe.loss(outputs, targets)
        check_outputs(outputs, targets, bounds)
        return default_loss(outputs, targets, recipe.label_smoothing)

    return loss


@dataclass
class PathEpochs:
    """Trains a supernet epoch by epoch.

    Args:
        supernet:
            On the device.
        rows:
            What to train on, on the device.
        recipe:
            How to train.
        epochs:
            How many the schedule spans.
        paths:
            From the supernet and a generator on the CPU to the paths that a batch trains.
        loss_of:
            What is made smaller.
    """

    supernet: Supernet | OnceForAll
    rows: Rows
    recipe: Recipe
    epochs: int
    paths: Callable[[Any, torch.Generator], list[Params]]
    loss_of: LossOf = task_loss

    def __post_init__(self) -> None:
        self.rates = [group["lr"] for group in self.recipe.optimizer.param_groups]

    def run(self, number: int, generator: torch.Generator) -> float:
        """One pass over the training data.

        Args:
            number:
                Of the epoch, from 1.
            generator:
                On the CPU.

        Returns:
            The mean loss over rows and paths.
        """
        self.supernet.train()
        device = device_of(self.supernet)
        noise, draws = spawn(generator, device), spawn(generator, CPU)
        steps = self.rows.steps(self.recipe.batch_size)
        total, seen = torch.zeros((), device=device), 0
        for step, batch in enumerate(self.rows.batches(self.recipe.batch_size, generator)):
            done = (step + 0.5) / steps if steps else 0.5
            self._set_rates(min(1.0, (number - 1 + done) / self.epochs))
            total += len(batch.targets) * self._step(self._augmented(batch, noise), draws)
            seen += len(batch.targets)
        if not seen:
            raise ValueError("train gave no batches: drop_last with fewer rows than a batch?")
        return float(total) / seen

    def _step(self, batch: Batch, draws: torch.Generator) -> Tensor:
        """One step on the summed gradients of its paths; returns their mean loss."""
        losses = []
        loss_of = self.loss_of(self.recipe, batch)
        self.recipe.optimizer.zero_grad()
        for params in self.paths(self.supernet, draws):
            self.supernet.activate(params)
            loss = loss_of(self.supernet(batch.inputs))
            loss.backward()  # type: ignore[no-untyped-call]
            losses.append(loss.detach())
        if self.recipe.clip_norm is not None:
            nn.utils.clip_grad_norm_(self.supernet.weights(), self.recipe.clip_norm)
        self.recipe.optimizer.step()
        return torch.stack(losses).mean()

    def _augmented(self, batch: Batch, noise: torch.Generator) -> Batch:
        if self.recipe.augment is None:
            return batch
        return batch._replace(inputs=self.recipe.augment(batch.inputs, noise))

    def _set_rates(self, progress: float) -> None:
        factor = self.recipe.schedule(progress)
        for group, rate in zip(self.recipe.optimizer.param_groups, self.rates, strict=True):
            group["lr"] = rate * factor


@contextmanager
def randomness_of(
    supernet: Supernet | OnceForAll, seed: int, number: int
) -> Iterator[torch.Generator]:
    """Gives an epoch its generator; torch's own and the active path are put back after it.

    Args:
        supernet:
            Whose path is put back.
        seed:
            Of the training.
        number:
            Of the epoch.
    """
    generator = generator_for(seed, number)
    with seeded(spawn(generator, CPU).initial_seed()), restored_path(supernet):
        yield generator


def loaded(data: Data, name: str) -> Rows:
    """Takes data as the user has them, and refuses a dataset without rows.

    Args:
        data:
            A pair (X, y), a Dataset or a DataLoader.
        name:
            What to call them in an error.
    """
    rows = load(data, name)
    rows.peek()
    return rows


def answers_of(trial: Any, function: str) -> Any:
    """Returns what answers a recipe: the trial, or one that refuses every question.

    Args:
        trial:
            The user's, or None.
        function:
            Who has none, for the error.
    """

    def refuse(name: str, distribution: BaseDistribution) -> Any:
        raise ValueError(
            f"The recipe asks for {name!r}, but {function} got no trial: give it "
            "trial=optuna_nas.SampledTrial(optuna.trial.FixedTrial(params))."
        )

    return AnsweredTrial(refuse) if trial is None else trial


def check_finite(what: str, value: float, number: int, epochs: int) -> None:
    """Raises unless a number of an epoch is finite.

    Args:
        what:
            The number's name.
        value:
            What it is.
        number:
            Of the epoch.
        epochs:
            How many there are.
    """
    if not math.isfinite(value):
        raise FloatingPointError(
            f"Epoch {number} of {epochs}: the {what} has become {value}. Take a lower learning "
            "rate (recipe), and go on from an epoch before (state)."
        )


def check_current(number: int, epoch: int) -> None:
    """Raises if a training is no longer where its state is wanted of.

    Args:
        number:
            The epoch that it is in.
        epoch:
            The epoch at whose end the state is wanted.
    """
    if number != epoch:
        raise ValueError(
            f"The training has gone on to epoch {number}, so the state of epoch {epoch} is gone: "
            "call state_dict() before the next epoch."
        )
