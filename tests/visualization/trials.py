"""Studies whose every trial is known, to draw."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from datetime import datetime
from datetime import timedelta
from typing import Any
import warnings

import optuna
from optuna.distributions import BaseDistribution
from optuna.distributions import CategoricalDistribution
from optuna.distributions import IntDistribution
from optuna.exceptions import ExperimentalWarning
from optuna.trial import create_trial
from optuna.trial import FrozenTrial
from optuna.trial import TrialState


OPS = CategoricalDistribution(["conv", "pool", "skip"])
WIDTH = IntDistribution(1, 4)
SPACE: dict[str, BaseDistribution] = {"op": OPS, "width": WIDTH}


def study_of(
    trials: Sequence[FrozenTrial],
    directions: Sequence[str] = ("maximize",),
    names: Sequence[str] | None = None,
    study_name: str | None = None,
) -> optuna.Study:
    """A study of these trials."""
    study = optuna.create_study(directions=list(directions), study_name=study_name)
    if names:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            study.set_metric_names(list(names))
    for trial in trials:
        study.add_trial(trial)
    return study


def trial_of(
    values: float | Sequence[float] | None = None,
    params: Mapping[str, Any] | None = None,
    *,
    state: TrialState | None = None,
    space: Mapping[str, BaseDistribution] | None = None,
    broken: float | None = None,
    seconds: float = 1.0,
    reported: Mapping[int, float] | None = None,
    **user_attrs: Any,
) -> FrozenTrial:
    """A trial; pruned without values, if no state is given."""
    if state is None:
        state = TrialState.PRUNED if values is None else TrialState.COMPLETE
    params = {"op": "conv", "width": 1} if params is None else dict(params)
    trial = create_trial(
        state=state,
        values=None if values is None else [values] if isinstance(values, int | float) else values,
        params=params,
        distributions={name: (space or SPACE)[name] for name in params},
        user_attrs=user_attrs,
        system_attrs={} if broken is None else {"constraints:limit": broken},
        intermediate_values=dict(reported or {}),
    )
    trial.datetime_start = datetime(2026, 1, 1)
    if state.is_finished():
        trial.datetime_complete = trial.datetime_start + timedelta(seconds=seconds)
    return trial
