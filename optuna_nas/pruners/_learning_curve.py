"""Stops trials whose curve will not get there (Domhan et al. 2015, "Speeding up automatic
hyperparameter optimization of deep neural networks by extrapolation of learning curves").
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from optuna.pruners import BasePruner
from optuna.trial import TrialState

from optuna_nas._arguments import checked_float
from optuna_nas._arguments import checked_int
from optuna_nas._ranking import Floats
from optuna_nas._ranking import turned
from optuna_nas._ranking import violation
from optuna_nas._reports import Values
from optuna_nas.pruners._extrapolation import forecast
from optuna_nas.pruners._reports import has_nan
from optuna_nas.pruners._reports import last_step
from optuna_nas.pruners._reports import reports


if TYPE_CHECKING:
    from optuna.study import Study
    from optuna.trial import FrozenTrial


DRAWS = 1000
"""Ends of a curve of which the chance is the share; it is known to 0.007 at a chance of 0.05."""

WITNESSES = 10
"""Of how many complete trials, the last ones, it is checked how far off a forecast was."""


class LearningCurvePruner(BasePruner):
    """Stops a trial that has too small a chance of entering the best.

    A trial's curve is extrapolated to the horizon, by families of curves that are weighed by how
    well they fit. Nothing is learned from other tasks; of the same study, how far off the same
    forecasts of complete trials would have been, and by this they are corrected. The trial is
    stopped if the chance that fewer than ``top`` complete trials are better (with several
    objectives: dominate it) is below ``threshold``. An objective that stays the same in all
    reports is known; one whose value is None could save the trial, so that it is not stopped. What
    was reached once counts, as for a loop that returns its best epoch. Infeasible trials are not
    among the best; a trial that breaks a constraint has no chance.

    It decides by the storage and the numbers of trial and step alone, and never before a trial is
    complete.

    Example:

        .. code-block:: python

            pruner = optuna_nas.pruners.LearningCurvePruner(threshold=0.05)
            study = optuna_nas.create_study(pruner=pruner, direction="maximize")

    Args:
        threshold:
            The chance below which a trial is stopped, between 0 and 1.
        min_steps:
            How many reports a curve needs; at least 3.
        interval:
            From then on, after how many reports it is extrapolated again; at least 1.
        horizon:
            The step at which curves end; None for the last that a complete trial reached.
        top:
            How many the best are; at least 1.

    Raises:
        ValueError:
            If an argument is out of range.
    """

    several_objectives = True
    """So that ``SampledTrial.should_prune`` asks it."""

    def __init__(
        self,
        *,
        threshold: float = 0.05,
        min_steps: int = 4,
        interval: int = 1,
        horizon: int | None = None,
        top: int = 1,
    ) -> None:
        self._threshold = checked_float("threshold", threshold, above=0, below=1)
        self._min_steps = checked_int("min_steps", min_steps, 3)
        self._interval = checked_int("interval", interval, 1)
        self._horizon = None if horizon is None else checked_int("horizon", horizon, 1)
        self._top = checked_int("top", top, 1)

    def prune(self, study: Study, trial: FrozenTrial) -> bool:
        """Returns whether the trial should stop after its last report.

        Args:
            study:
                Which it belongs to.
            trial:
                As it is in the storage now.
        """
        known = reports(trial, len(study.directions))
        if not known or has_nan(known[max(known)]):
            return bool(known)
        if len(known) < self._min_steps or (len(known) - self._min_steps) % self._interval:
            return False
        complete = [
            other
            for other in study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
            if violation(other) == 0
        ]
        horizon = self._horizon_of(complete, len(study.directions))
        if len(complete) < self._top or horizon is None or max(known) >= horizon:
            return False
        if violation(trial) > 0:
            return True
        curve = _curve(known, study)
        if len(curve.steps) < self._min_steps:
            return False
        ends = turned([other.values for other in complete], study.directions)
        witnesses = [
            _curve(reports(other, len(study.directions)), study) for other in complete[-WITNESSES:]
        ]
        rng = np.random.default_rng([trial.number, max(known)])
        finals = _finals(curve, witnesses, ends, horizon, rng)
        return _chance(finals, ends, self._top) < self._threshold

    def _horizon_of(self, complete: Sequence[FrozenTrial], objectives: int) -> int | None:
        if self._horizon is not None:
            return self._horizon
        ends = [last_step(trial, objectives) for trial in complete]
        return max((end for end in ends if end is not None), default=None)


@dataclass(frozen=True)
class Curve:
    """The reports in which all is known and finite: n steps, values [n, m], less is better."""

    steps: Floats
    values: Floats


def _curve(known: Mapping[int, Values], study: Study) -> Curve:
    values = turned(list(known.values()), study.directions)
    finite = np.isfinite(values).all(1)
    return Curve(np.array(list(known), dtype=float)[finite], values[finite])


def _finals(
    curve: Curve,
    witnesses: Sequence[Curve],
    ends: Floats,
    horizon: int,
    rng: np.random.Generator,
) -> Floats:
    """Draws of the best that a trial comes to, shape [DRAWS, m]."""
    finals = []
    for i, (own, worth) in enumerate(zip(curve.values.T, ends.T, strict=True)):
        if np.ptp(own) == 0:
            finals.append(np.full(DRAWS, own[0]))
            continue
        best = worth[np.isfinite(worth)].min(initial=own.min())
        scale = float(own.max() - best)
        errors = _errors([(w.steps, w.values[:, i]) for w in witnesses], len(own), scale)
        ahead = forecast(curve.steps, own, horizon, scale).corrected(*errors)
        finals.append(np.minimum(ahead.draws(DRAWS, rng), own.min()))
    return np.stack(finals, 1)


def _errors(
    witnesses: Sequence[tuple[Floats, Floats]], n: int, scale: float
) -> tuple[float, float]:
    """How far whole curves ended from their forecasts after n reports: mean and deviation.

    In deviations of the forecasts. Two more errors, of 1 and -1, stand for the forecasts' own
    word, and the deviation is never less than that.
    """
    errors = [1.0, -1.0]
    for steps, values in witnesses:
        if len(steps) > n and np.ptp(values[:n]) > 0:
            then = forecast(steps[:n], values[:n], steps[-1], scale)
            errors.append((values[-1] - then.mean) / then.deviation)
    return float(np.mean(errors)), max(1.0, float(np.std(errors)))


def _chance(finals: Floats, ends: Floats, top: int) -> float:
    """The share of draws, shape [k, m], that fewer than ``top`` of the ends, [n, m], dominate."""
    better = (ends[:, None] <= finals).all(2) & (ends[:, None] < finals).any(2)
    return float((better.sum(0) < top).mean())
