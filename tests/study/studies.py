"""Studies whose trials are told, for the tests of what is done with a finished study."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any
import warnings

import optuna
from optuna.distributions import BaseDistribution
from optuna.distributions import CategoricalDistribution
from optuna.exceptions import ExperimentalWarning
from optuna.trial import create_trial


def told_study(
    values: Sequence[Sequence[float]],
    directions: Sequence[str] = ("maximize", "minimize"),
    names: Sequence[str] | None = ("accuracy", "latency_ms"),
    params: Sequence[Mapping[str, Any]] | None = None,
    violations: Mapping[int, float] | None = None,
    user_attrs: Mapping[int, Mapping[str, Any]] | None = None,
) -> optuna.Study:
    """A study called "s" of trials with these values; by default each has params of its own."""
    study = optuna.create_study(study_name="s", directions=list(directions))
    if names is not None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            study.set_metric_names(list(names))
    for i, trial_values in enumerate(values):
        answers = {"i": i} if params is None else params[i]
        choices: dict[str, BaseDistribution] = {
            name: CategoricalDistribution([value]) for name, value in answers.items()
        }
        trial = create_trial(
            values=list(trial_values),
            params=dict(answers),
            distributions=choices,
            user_attrs=dict((user_attrs or {}).get(i, {})),
        )
        if i in (violations or {}):
            trial.set_constraint("limit", (violations or {})[i])
        study.add_trial(trial)
    return study
