"""A study as plain data, which JSON can hold: what a proposer is shown."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
import json
import math
from typing import Any
from typing import TYPE_CHECKING

from optuna.distributions import CategoricalDistribution
from optuna.distributions import IntDistribution
from optuna.distributions import json_to_distribution
from optuna.trial import TrialState

from optuna_nas._ranking import last_values
from optuna_nas._ranking import violation
from optuna_nas.samplers._planning import FIXED


if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.study import Study
    from optuna.trial import FrozenTrial


ASKED = "optuna_nas:asked"
"""Study user attr, kept by the space: every name that was asked, with its distribution as JSON."""

METRIC_NAMES = "study:metric_names"
"""Study system attr of Optuna's."""


def search_space_of(study: Study, trials: Sequence[FrozenTrial]) -> dict[str, BaseDistribution]:
    """Returns the decisions that a study knows: its network's, and what trials were asked.

    Args:
        study:
            Any study.
        trials:
            Its trials; if a distribution changed, that of the youngest counts.
    """
    stored = study._storage.get_study_user_attrs(study._study_id).get(ASKED, {})
    known = {name: json_to_distribution(json.dumps(told)) for name, told in stored.items()}
    for trial in trials:
        known.update(trial.distributions)
    return known


def history_of(
    study: Study,
    trials: Sequence[FrozenTrial],
    search_space: Mapping[str, BaseDistribution],
    proposed: Mapping[int, Mapping[str, Any]],
) -> dict[str, Any]:
    """Returns ``directions``, ``metrics``, ``search_space`` and ``trials``.

    Args:
        study:
            Any study.
        trials:
            Those to show.
        search_space:
            The decisions.
        proposed:
            Params that running trials will have, by number.
    """
    attrs = study._storage.get_study_system_attrs(study._study_id)
    return {
        "directions": [direction.name.lower() for direction in study.directions],
        "metrics": attrs.get(METRIC_NAMES),
        "search_space": {name: _described(d) for name, d in search_space.items()},
        "trials": [_told(trial, proposed.get(trial.number, {})) for trial in trials],
    }


def _described(distribution: BaseDistribution) -> dict[str, Any]:
    if isinstance(distribution, CategoricalDistribution):
        return {"type": "categorical", "choices": [_plain(c) for c in distribution.choices]}
    kind = "int" if isinstance(distribution, IntDistribution) else "float"
    fields = ("low", "high", "step", "log")
    return {"type": kind, **{field: getattr(distribution, field) for field in fields}}


def _told(trial: FrozenTrial, proposed: Mapping[str, Any]) -> dict[str, Any]:
    finished, complete = trial.state.is_finished(), trial.state == TrialState.COMPLETE
    params = {} if finished else {**trial.system_attrs.get(FIXED, {}), **proposed}
    last = last_values(trial)
    return {
        "number": trial.number,
        "state": trial.state.name.lower(),
        "params": {name: _plain(value) for name, value in {**params, **trial.params}.items()},
        "values": [_plain(v) for v in trial.values] if complete else None,
        "last_report": None if last is None else [last[0], [_plain(v) for v in last[1]]],
        "feasible": not finished or violation(trial) == 0,
        "rejected": trial.user_attrs.get("rejected"),
    }


def _plain(value: Any) -> Any:
    """What JSON can hold: None for numbers that are not finite, text for what is strange."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return repr(value)
