"""``HeldOut``: the evaluator that trains a candidate and scores it on rows that it has not seen.

The training is that of :class:`optuna_nas.Train`; here the score is scikit-learn's, the weights of
the best epoch are kept, and several folds are one score.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace
import math
from typing import Any

import torch
from torch import nn
from torch import Tensor

from optuna_nas._estimator._candidate import Candidate
from optuna_nas._estimator._candidate import Kept
from optuna_nas._estimator._candidate import State
from optuna_nas._estimator._candidate import Trained
from optuna_nas._estimator._clock import Clock
from optuna_nas._estimator._clock import OutOfTime
from optuna_nas._estimator._recipe import SearchedRecipe
from optuna_nas._estimator._scoring import Scoring
from optuna_nas._estimator._split import Fold
from optuna_nas.training import Rejected
from optuna_nas.training import resolve_device
from optuna_nas.training import score
from optuna_nas.training import Train
from optuna_nas.training._data import load
from optuna_nas.training._data import Rows


@dataclass(frozen=True)
class Settings:
    """How candidates are trained.

    Args:
        epochs:
            How many at most.
        device:
            Where.
        seed:
            For the order of rows.
        classes:
            Whether targets are classes.
        weighted:
            Whether targets carry weights.
    """

    epochs: int
    device: str | torch.device
    seed: int
    classes: bool
    weighted: bool

    def recipe(self, rows: int, seconds: float = math.inf, held_out: int = 0) -> SearchedRecipe:
        """The recipe for so many rows and seconds.

        Args:
            rows:
                To train on.
            seconds:
                That the training may take, with its last score.
            held_out:
                How many rows that is of.
        """
        return SearchedRecipe(self.classes, self.weighted, rows, seconds, held_out)


class HeldOut:
    """An evaluator: the mean score over the folds.

    Args:
        inputs:
            Of all rows.
        targets:
            Likewise.
        folds:
            Which rows to train on, and which to score on.
        scoring:
            How.
        settings:
            How to train.
        clock:
            How much time there is.
        keep:
            How many candidates to keep the weights of.
    """

    name = "score"
    direction = "maximize"

    def __init__(
        self,
        inputs: Tensor,
        targets: Tensor,
        folds: Sequence[Fold],
        scoring: Scoring,
        settings: Settings,
        clock: Clock,
        keep: int,
    ) -> None:
        device = resolve_device(settings.device)
        self.folds = folds
        self.scoring = scoring
        self.settings = settings
        self.clock = clock
        self.kept = Kept(keep)
        self.example = inputs[:2]
        self._data = [
            tuple(load((inputs[rows], targets[rows]), "X").to(device) for rows in fold)
            for fold in folds
        ]

    def __call__(self, module: nn.Module, trial: Any) -> float:
        """Trains and scores a candidate for each fold, from the same initial weights.

        Args:
            module:
                The candidate.
            trial:
                An Optuna trial. With one fold, its pruner may stop the training.
        """
        started, seconds = self.clock.passed(), self.clock.for_trial() / len(self.folds)
        initial = _copy(module.state_dict()) if len(self.folds) > 1 else {}
        trained: list[Trained] = []
        told = trial if len(self.folds) == 1 else _Unreported(trial)
        try:
            for i, (train, valid) in enumerate(self._data):
                if i > 0:
                    module.load_state_dict(initial)
                trained.append(self._train(module, told, train, valid, i, seconds))
        finally:
            spent = self.clock.passed() - started
            self.clock.trials.append(spent)
        if len(self.folds) > 1:
            trial.set_user_attr("seconds", spent)
            trial.set_user_attr("scores", [fold.score for fold in trained])
        mean = sum(fold.score for fold in trained) / len(trained)
        self.kept.add(Candidate(trial.number, mean, tuple(trained)))
        return mean

    def _train(
        self, module: nn.Module, trial: Any, train: Rows, valid: Rows, i: int, seconds: float
    ) -> Trained:
        settings, (rows, held_out) = self.settings, self.folds[i]
        best = _Best(module, self.scoring, held_out)
        evaluator = Train(
            train,
            valid,
            epochs=settings.epochs,
            recipe=settings.recipe(len(rows), seconds, len(held_out)),
            metric=best,
            direction=self.direction,
            device=settings.device,
            seed=settings.seed,
        )
        of = settings.epochs
        try:
            evaluator(module, trial)
        except OutOfTime:
            score(module, valid, best)
            of = best.calls
        if best.found is None:
            raise Rejected("outputs are not finite")
        return replace(best.found, of=of)


class _Best:
    """A metric that remembers the best it saw; of equal ones the later, which is trained more."""

    def __init__(self, module: nn.Module, scoring: Scoring, rows: Any) -> None:
        self.module = module
        self.scoring = scoring
        self.rows = rows
        self.calls = 0
        self.found: Trained | None = None

    def __call__(self, outputs: Tensor, targets: Tensor) -> float:
        self.calls += 1
        outputs = outputs.float().cpu()
        if not bool(outputs.isfinite().all()):
            return math.nan
        value = self.scoring.of(outputs, self.rows)
        if math.isfinite(value) and (self.found is None or value >= self.found.score):
            state = _copy(self.module.state_dict())
            self.found = Trained(value, state, outputs, self.calls, self.calls)
        return value


class _Unreported:
    """A trial that hears nothing of one fold among several, and answers all of them alike."""

    def __init__(self, trial: Any) -> None:
        self._trial = trial

    def __getattr__(self, name: str) -> Any:
        return getattr(self._trial, name)

    def report(self, value: float, step: int) -> None:
        """Nothing."""

    def should_prune(self) -> bool:
        """Never."""
        return False

    def set_user_attr(self, key: str, value: Any) -> None:
        """Nothing."""


def _copy(state: dict[str, Any]) -> State:
    return {name: tensor.detach().cpu().clone() for name, tensor in state.items()}
