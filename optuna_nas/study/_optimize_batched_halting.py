"""``Halting``: an objective in two halves, before training and after it."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from copy import deepcopy
from dataclasses import dataclass
from dataclasses import replace
from functools import partial
from typing import Any

import optuna
import torch
from torch import nn

from optuna_nas.metrics import Metric
from optuna_nas.space import SampledTrial
from optuna_nas.study._objective import Objective
from optuna_nas.study._screen import measured
from optuna_nas.study._seeds import SEED
from optuna_nas.study._seeds import trial_rng
from optuna_nas.training import generator_for
from optuna_nas.training import is_out_of_memory
from optuna_nas.training import Rejected
from optuna_nas.training import resolve_device
from optuna_nas.training import Train
from optuna_nas.training._recipe import make_recipe
from optuna_nas.training._recipe import MakeRecipe
from optuna_nas.training._recipe import Recipe
from optuna_nas.training._stacked_loop import Member
from optuna_nas.training._stacked_train import resident


@dataclass(frozen=True)
class Waiting:
    """A candidate that only has to be trained.

    Args:
        module:
            The candidate.
        trial:
            The one that made it.
        recipe:
            Gives or raises what the recipe did; asked twice, it might change the module twice.
        member:
            As part of a group; None if it cannot be part of one.
        rng:
            torch's state when it was ready.
        untouched:
            A copy of the recipe, without what steps in a group leave in it: a schedule with state.
        reported:
            How many epochs of it have been reported.
    """

    module: nn.Module
    trial: SampledTrial
    recipe: MakeRecipe
    member: Member | None
    rng: torch.Tensor
    untouched: MakeRecipe | None = None
    reported: int = 0


class Halted(Exception):
    """Raised where training would begin.

    Args:
        waiting:
            The candidate.
    """

    def __init__(self, waiting: Waiting) -> None:
        super().__init__()
        self.waiting = waiting


class Halting(Objective):
    """An objective that raises :class:`Halted` where training would begin.

    Args:
        objective:
            What it does the rest of.
    """

    def __init__(self, objective: Objective) -> None:
        vars(self).update(vars(objective))
        trains = ((i, e) for i, e in enumerate(self.evaluators) if isinstance(e, Train))
        self._index, self.train = next(trains)

    def _values(self, module: nn.Module, trial: SampledTrial) -> tuple[float, ...]:
        if self._index in trial.known:  # those of a duplicate
            return super()._values(module, trial)
        raise Halted(self._waiting(module, trial))

    def alone(self, waiting: Waiting) -> float | tuple[float, ...]:
        """Trains a candidate as ``study.optimize`` does; its values.

        Args:
            waiting:
                The candidate.

        Raises:
            TrialPruned:
                If it was stopped.
        """
        study, train = waiting.trial.study, copy(self.train)
        train.recipe = waiting.recipe
        with trial_rng(study, waiting.trial.number):
            if SEED in study.user_attrs:
                torch.set_rng_state(waiting.rng)
            again = _Again(waiting.trial, waiting.reported)
            return self._ended(waiting, partial(train, waiting.module, again))

    def anew(self, waiting: Waiting, reported: int) -> Waiting:
        """The candidate before it is trained alone, after steps in a group that are not kept.

        Args:
            waiting:
                The candidate; its module has its initial weights.
            reported:
                How many epochs of it have been reported.
        """
        recipe = waiting.untouched or waiting.recipe
        return replace(waiting, recipe=recipe, reported=reported)

    def trained(
        self, waiting: Waiting, came: float | optuna.TrialPruned
    ) -> float | tuple[float, ...]:
        """The values of a candidate that was trained.

        Args:
            waiting:
                The candidate.
            came:
                Its score, or why it was stopped.

        Raises:
            TrialPruned:
                If it was stopped.
        """
        return self._ended(waiting, partial(given, came))

    def _ended(self, waiting: Waiting, score: Callable[[], float]) -> float | tuple[float, ...]:
        """As ``__call__`` ends."""
        try:
            with measured(self.screen, waiting.trial):
                waiting.trial.known[self._index] = score()
                values = super()._values(waiting.module, waiting.trial)
        except Rejected as rejection:
            self._reject(waiting.trial, rejection)
            raise
        except optuna.TrialPruned:
            self._rejected_in_a_row = 0
            raise
        self._rejected_in_a_row = 0
        return values if len(values) > 1 else values[0]

    def _waiting(self, module: nn.Module, trial: SampledTrial) -> Waiting:
        """The candidate with its recipe, asked where training would ask for it."""
        train = self.train
        trial.evaluating = self._index  # what it reports is this one's
        try:
            module.to(resolve_device(train.device))
        except (MemoryError, RuntimeError):  # comes again when it is trained alone
            return Waiting(module, trial, train.recipe, None, torch.get_rng_state())
        asked = _asked(train.recipe, trial, module)
        rng = torch.get_rng_state()
        if not isinstance(asked, Recipe):
            return Waiting(module, trial, lambda *_: given(asked), None, rng)
        member = Member(module, trial, asked, generator_for(train.seed, trial.number))
        return Waiting(module, trial, lambda *_: asked, member, rng, _copied(asked, module))


class _Again:
    """A trial that is trained again from the beginning.

    Args:
        trial:
            The trial.
        reported:
            How many epochs stand in it already, and have passed the pruner.
    """

    def __init__(self, trial: SampledTrial, reported: int) -> None:
        self._trial = trial
        self._reported = reported
        self._step = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._trial, name)

    def report(self, value: float, step: int) -> None:
        self._step = step
        if step > self._reported:
            self._trial.report(value, step)

    def should_prune(self) -> bool:
        return self._step > self._reported and self._trial.should_prune()


def given(came: Any) -> Any:
    """Returns what something came to, or raises it.

    Args:
        came:
            Anything, an exception too.
    """
    if isinstance(came, Exception):
        raise came
    return came


def _copied(recipe: Recipe, module: nn.Module) -> MakeRecipe | None:
    """A recipe for the same module, with state of its own; None if it cannot be copied."""
    parts = (*module.modules(), *module.parameters(), *module.buffers())
    try:
        copied = deepcopy(recipe, {id(part): part for part in parts})
    except (TypeError, ValueError, RuntimeError, NotImplementedError):  # a lock, a generator
        return None
    return lambda *_: copied


def _asked(recipe: MakeRecipe, trial: SampledTrial, module: nn.Module) -> Recipe | Exception:
    try:
        return make_recipe(recipe, trial, module)
    except (Rejected, MemoryError, RuntimeError) as error:  # raised when it is trained alone
        # Without the frames, which hold on to the memory.
        return error.with_traceback(None) if is_out_of_memory(error) else error


def why_alone(objective: Any) -> str | None:
    """Why an objective cannot be halted before its training; else None.

    Args:
        objective:
            Anything that ``study.optimize`` takes.
    """
    if type(objective) is not Objective:
        return "the objective is not an optuna_nas.Objective"
    others = [e for e in objective.evaluators if not isinstance(e, Metric)]
    if len(others) != 1 or not isinstance(others[0], Train):
        return "the objective's evaluators are not one Train and metrics"
    if resident(others[0]) is None:
        return "Train is not one that counts epochs on rows in memory, without more"
    return None
