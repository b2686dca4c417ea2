"""What trials are asked: by which of Optuna's questions, and how a study remembers it."""

from __future__ import annotations

from collections.abc import Mapping
import json
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.distributions import CategoricalDistribution
from optuna.distributions import distribution_to_json
from optuna.distributions import FloatDistribution
from optuna.distributions import IntDistribution
from optuna.distributions import json_to_distribution
from optuna.study import Study


ASKED = "optuna_nas:asked"
"""Study user attr: every name that a trial asked so far, with its distribution as JSON."""


def ask(trial: Any, name: str, distribution: BaseDistribution) -> Any:
    """Asks a trial of Optuna's, by its public questions."""
    if isinstance(distribution, CategoricalDistribution):
        return trial.suggest_categorical(name, distribution.choices)
    assert isinstance(distribution, IntDistribution | FloatDistribution)
    question = (
        trial.suggest_int if isinstance(distribution, IntDistribution) else trial.suggest_float
    )
    return question(
        name, distribution.low, distribution.high, step=distribution.step, log=distribution.log
    )


def asked_in(study: Study) -> dict[str, BaseDistribution]:
    """What the trials of a study were asked so far, evaluators' questions included."""
    stored = study.user_attrs.get(ASKED, {})
    return {name: json_to_distribution(json.dumps(d)) for name, d in stored.items()}


def to_json(search_space: Mapping[str, BaseDistribution]) -> dict[str, Any]:
    """Distributions by name, in a form that a user attr can hold."""
    return {name: json.loads(distribution_to_json(d)) for name, d in search_space.items()}
