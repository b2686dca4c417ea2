"""What a study remembers of the search it was begun with, held against what comes now."""

from __future__ import annotations

from collections.abc import Sequence
import json
from typing import Any

from optuna.distributions import json_to_distribution
from optuna.study import Study

from optuna_nas.space import decisions
from optuna_nas.space import describe
from optuna_nas.space import Network
from optuna_nas.space import to_json


SURVEY = "optuna_nas:survey"
"""Study user attr: the decisions of the network, with their distributions as JSON."""


def check_survey(study: Study, network: Network) -> str:
    """Checks that the network asks what it asked when the study began; a new study learns it.

    Args:
        study:
            A new or a loaded study.
        network:
            The search space.

    Returns:
        The device to build on: ``"meta"`` or ``"cpu"``.

    Raises:
        ValueError:
            If decisions came, went or changed, with all of them named.
    """
    asked, device = decisions(network)
    stored = study.user_attrs.get(SURVEY)
    if stored is None:
        study.set_user_attr(SURVEY, to_json(asked))
        return device
    began = {name: json_to_distribution(json.dumps(d)) for name, d in stored.items()}
    came = [f"{name!r} came" for name in asked if name not in began]
    went = [f"{name!r} went" for name in began if name not in asked]
    changed = [
        f"{name!r} changed from {describe(began[name])} to {describe(asked[name])}"
        for name in asked
        if name in began and asked[name] != began[name]
    ]
    if came or went or changed:
        raise ValueError(
            f"study {study.study_name!r} was begun with another search space: "
            f"{'; '.join(came + went + changed)}. Give the network that it was begun with, or "
            "begin another study."
        )
    return device


def check_directions(study: Study, evaluators: Sequence[Any]) -> None:
    """Checks that each evaluator meets the study's direction.

    Args:
        study:
            A new or a loaded study.
        evaluators:
            One for each direction; one that knows its own says so by ``direction``.

    Raises:
        ValueError:
            If there are more or fewer of them, or one wants the other direction.
    """
    directions = [direction.name.lower() for direction in study.directions]
    wanted = [
        getattr(evaluator, "direction", None) or direction
        for evaluator, direction in zip(evaluators, directions, strict=False)
    ]
    if len(evaluators) != len(directions):
        raise ValueError(
            f"the objective has {len(evaluators)} evaluators, but study {study.study_name!r} has "
            f"{len(directions)} directions ({', '.join(directions)}); there is one for each."
        )
    if wanted != directions:
        raise ValueError(
            f"the evaluators want directions {wanted}, but study {study.study_name!r} has "
            f"{directions}; create the study with directions={wanted}."
        )
