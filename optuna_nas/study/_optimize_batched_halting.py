"""``Halting``: an objective in two halves, before training and after it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import optuna
import torch
from torch import nn

from optuna_nas.metrics import Metric
from optuna_nas.space import SampledTrial
from optuna_nas.study._objective import Objective
from optuna_nas.study._seeds import SEED
from optuna_nas.study._seeds import trial_rng
from optuna_nas.training import generator_for
from optuna_nas.training import Rejected
from optuna_nas.training import resolve_device
from optuna_nas.training import Train
from optuna_nas.training._recipe import make_recipe
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
        member:
            As part of a group; None if it cannot be part of one.
        rng:
            torch's state when it was ready.
    """

    module: nn.Module
    trial: SampledTrial
    member: Member | None
    rng: torch.Tensor


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
        rng = torch.get_rng_state()
        raise Halted(Waiting(module, trial, self._member(module, trial), rng))

    def alone(self, waiting: Waiting) -> float | tuple[float, ...]:
        """Trains a candidate as ``study.optimize`` does; its values.

        Args:
            waiting:
                The candidate.

        Raises:
            TrialPruned:
                If it was stopped.
        """
        study = waiting.trial.study
        with trial_rng(study, waiting.trial.number):
            if SEED in study.user_attrs:
                torch.set_rng_state(waiting.rng)
            return self._ended(waiting)

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
        if not isinstance(came, optuna.TrialPruned):
            waiting.trial.known[self._index] = came
        return self._ended(waiting, came)

    def _ended(self, waiting: Waiting, came: Any = None) -> float | tuple[float, ...]:
        """As ``__call__`` ends."""
        try:
            if isinstance(came, optuna.TrialPruned):
                raise came
            values = super()._values(waiting.module, waiting.trial)
        except Rejected as rejection:
            self._reject(waiting.trial, rejection)
            raise
        except optuna.TrialPruned:
            self._rejected_in_a_row = 0
            raise
        self._rejected_in_a_row = 0
        return values if len(values) > 1 else values[0]

    def _member(self, module: nn.Module, trial: SampledTrial) -> Member | None:
        """The candidate with its recipe, asked where training would ask for it."""
        train = self.train
        trial.evaluating = self._index  # what it reports is this one's
        try:
            on_device = module.to(resolve_device(train.device))
            recipe = make_recipe(train.recipe, trial, on_device)
        except (Rejected, MemoryError, RuntimeError):
            return None  # comes again when it is trained alone
        return Member(on_device, trial, recipe, generator_for(train.seed, trial.number))


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
