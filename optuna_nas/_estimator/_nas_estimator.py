"""``NASEstimator``: what the classifier and the regressor have in common."""

from __future__ import annotations

from contextlib import nullcontext
from copy import deepcopy
import math
from typing import Any

import optuna
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted
import torch
from torch import nn
from torch import Tensor

from optuna_nas._estimator._arguments import jobs_of
from optuna_nas._estimator._arguments import seed_of
from optuna_nas._estimator._averaged import Averaged
from optuna_nas._estimator._candidate import Candidate
from optuna_nas._estimator._clock import Clock
from optuna_nas._estimator._columns import Array
from optuna_nas._estimator._ensemble import Selection
from optuna_nas._estimator._grids import GridInputs
from optuna_nas._estimator._grids import kind_of_grid
from optuna_nas._estimator._held_out import HeldOut
from optuna_nas._estimator._held_out import Settings
from optuna_nas._estimator._losses import with_weights
from optuna_nas._estimator._portfolio import portfolio
from optuna_nas._estimator._progress import progress
from optuna_nas._estimator._refit import as_scored
from optuna_nas._estimator._refit import refit
from optuna_nas._estimator._scoring import make_scorer
from optuna_nas._estimator._scoring import Scoring
from optuna_nas._estimator._search import begin
from optuna_nas._estimator._search import history
from optuna_nas._estimator._search import make_objective
from optuna_nas._estimator._search import run
from optuna_nas._estimator._search import silent
from optuna_nas._estimator._spaces import make_network
from optuna_nas._estimator._spaces import space_for
from optuna_nas._estimator._split import Fold
from optuna_nas._estimator._split import make_folds
from optuna_nas._estimator._table import TableInputs
from optuna_nas._estimator._targets import Classes
from optuna_nas._estimator._targets import Numbers
from optuna_nas._estimator._threads import fitting_threads
from optuna_nas._estimator._validation import read_x
from optuna_nas.space import Network
from optuna_nas.training import resolve_device


AGAIN = 1.15
"""How much longer training on so many rows may take a second time."""

N_TRIALS = 20
"""How many networks are trained where neither a number nor a time is given."""

ROWS_AT_ONCE = 1024


class NASEstimator(BaseEstimator):  # type: ignore[misc]
    """What the classifier and the regressor have in common."""

    study_: optuna.Study
    classes_: Array
    _candidates: list[Candidate]
    _folds: list[Fold]

    def _search(
        self, x: Any, y: Array, weights: Array | None, targets: Classes | Numbers, kept: Array
    ) -> None:
        """Searches, and sets the attributes of a fitted estimator."""
        scorer = make_scorer(self.scoring, self)
        seed = self._seed_of_fit()
        folds = self._make_folds(x, y, isinstance(targets, Classes), seed, kept)
        clock = self._clock(folds)
        inputs, space, said = self._prepare(x, seed)
        rows = inputs.fit(x)
        network, params = make_network(space, inputs, tuple(rows.shape[1:]), targets)
        encoded = targets.encode(y)
        if weights is not None:
            encoded = with_weights(encoded, torch.from_numpy(weights))
        classes, weighted = isinstance(targets, Classes), weights is not None
        settings = Settings(self.epochs, self.device, seed, classes, weighted)
        scoring = Scoring(scorer, x, y, weights, targets)
        held_out = HeldOut(rows, encoded, folds, scoring, settings, clock, self.ensemble)
        self._inputs, self._network, self._settings = inputs, network, settings
        self._doubles = isinstance(inputs, TableInputs) and not callable(self.space)
        with fitting_threads(inputs.kind, len(rows)):
            self._run(network, held_out, portfolio(network, params, classes), said)
            self._finish((rows, encoded), held_out)

    def _seed_of_fit(self) -> int:
        if self.warm_start and hasattr(self, "study_"):
            return int(self._settings.seed)
        return seed_of(self.random_state)

    def _make_folds(self, x: Any, y: Array, classes: bool, seed: int, kept: Array) -> list[Fold]:
        """Of a study that goes on, those that it began with: scores must be comparable."""
        if not (self.warm_start and hasattr(self, "study_")):
            self._folds = make_folds(self.cv, x, y, classes, seed, kept)
            self._shape = x.shape
        elif x.shape != self._shape:
            raise ValueError(
                f"X has shape {x.shape}, but the study that warm_start=True goes on with was "
                f"begun with {self._shape}, and its scores are not comparable. Take "
                "warm_start=False."
            )
        return self._folds

    def _clock(self, folds: list[Fold]) -> Clock:
        rows = sum(len(part) for part in folds[0])
        again = AGAIN * rows / sum(len(train) for train, _ in folds) if self.refit else 0.0
        return Clock(math.inf if self.timeout is None else self.timeout, again, self.ensemble)

    def _n_trials(self) -> int | None:
        """How many trials at most; None if only the time ends the search."""
        is_open = self.n_trials is None and self.timeout is None
        return N_TRIALS if is_open else self.n_trials

    def _prepare(self, x: Any, seed: int) -> tuple[TableInputs | GridInputs, Any, str]:
        """What prepares the data, the space, and a sentence about both."""
        if getattr(x, "ndim", 2) == 2:
            space = space_for(self.space, "table")
            inputs = TableInputs(one_hot=space != "tabular", seed=seed)
            return inputs, space, f"X is a table, {x.shape[0]:,} x {x.shape[1]:,}: space {space!r}"
        kind, why = kind_of_grid(x, self.space)
        space = space_for(self.space, kind)
        return GridInputs(kind), space, f"X holds {kind}s ({why}), {x.shape}: space {space!r}"

    def _run(
        self, network: Network, held_out: HeldOut, first: list[dict[str, Any]], said: str
    ) -> None:
        names = ("score",) if isinstance(self.objectives, str) else tuple(self.objectives)
        objective = make_objective(network, held_out, names, self.device)
        n_trials = self._n_trials()
        shown = progress(said, n_trials, held_out.clock) if self.verbose else nullcontext()
        with silent(), shown as step:
            if self.warm_start and hasattr(self, "study_"):
                study = self.study_
                held_out.kept.candidates = self._candidates[: self.ensemble]
                others = []
            else:
                default, *others = first
                study = begin(self, len(names), held_out.settings.seed, default)
            jobs = jobs_of(self.n_jobs)
            study = run(study, objective, held_out, n_trials, jobs, others, step)
        self.study_ = study

    def _finish(self, data: tuple[Tensor, Tensor], held_out: HeldOut) -> None:
        """From the study to what predicts."""
        study, candidates = self.study_, held_out.kept.candidates
        self._candidates = candidates
        best = candidates[0]
        self.best_score_ = best.score
        self.best_params_ = dict(study.trials[best.number].params)
        self.pareto_front_ = sorted(study.best_trials, key=lambda trial: -trial.values[0])
        self.history_ = history(study)
        weights = [1.0]
        if self.ensemble > 1:
            selection = Selection(candidates, held_out.folds, held_out.scoring)
            weights = selection.weights()
            self.ensemble_gain_ = selection.gain(held_out.settings.seed)
        chosen = [(c, w) for c, w in zip(candidates, weights, strict=False) if w > 0]
        modules = [self._module(candidate, data, held_out.clock) for candidate, _ in chosen]
        classes = held_out.settings.classes
        self.best_model_ = modules[0]
        if self.ensemble > 1:
            self.ensemble_weights_ = {c.number: w for c, w in chosen}
            shares = [weight for _, weight in chosen]
            self.best_model_ = Averaged(modules, shares, classes=classes).eval()

    def _module(
        self, candidate: Candidate, data: tuple[Tensor, Tensor], clock: Clock
    ) -> nn.Module:
        """The network of a candidate, trained again on all rows if there is time."""
        trial, settings = self.study_.trials[candidate.number], self._settings
        if self.refit and (left := clock.left()) > 0:
            module = refit(self._network, trial, candidate, data, settings, left)
            if module is not None:
                return module
        return as_scored(self._network, trial, candidate, settings.classes)

    def _outputs(self, x: Any) -> Tensor:
        """What the network says of some rows, on the CPU."""
        check_is_fitted(self)
        rows = self._inputs.transform(read_x(self, x, reset=False))
        device = resolve_device(self.device)
        module = deepcopy(self.best_model_).to(device).eval()
        if self._doubles and device.type != "mps":
            # In float32 a row's last digits depend on how many rows are predicted at once.
            module, rows = module.double(), rows.double()
        with torch.no_grad():
            parts = [module(part.to(device)).cpu() for part in torch.split(rows, ROWS_AT_ONCE)]
        return torch.cat(parts)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.three_d_array = True
        return tags
