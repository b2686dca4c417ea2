"""What a study remembers of the search it was begun with, held against what comes now."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.study import Study
from optuna.study import StudyDirection

from optuna_nas.space import ASKED
from optuna_nas.space import asked_in
from optuna_nas.space import describe
from optuna_nas.space import to_json


SURVEY = "optuna_nas:survey"
"""Study user attr: the decisions of the network, with their distributions as JSON."""


def check_survey(study: Study, asked: Mapping[str, BaseDistribution]) -> None:
    """Checks that a network asks what it asked when the study began; a new study learns it.

    Args:
        study:
            A new or a loaded study.
        asked:
            The decisions of the network.

    Raises:
        ValueError:
            If decisions came, went or changed, with all of them named.
    """
    stored = study.user_attrs.get(SURVEY)
    if stored is None:
        stored = to_json(asked)
        study.set_user_attr(SURVEY, stored)
        study.set_user_attr(ASKED, {**stored, **study.user_attrs.get(ASKED, {})})
    before = asked_in(study)  # and what trials were asked that no survey had found
    came = [f"{name!r} is new" for name in asked if name not in stored]
    went = [f"{name!r} is gone" for name in stored if name not in asked]
    changed = [
        f"{name!r} changed from {describe(before[name])} to {describe(distribution)}"
        for name, distribution in asked.items()
        if before.get(name, distribution) != distribution
    ]
    if came or went or changed:
        raise ValueError(
            f"study {study.study_name!r} was begun with another search space: "
            f"{'; '.join(came + went + changed)}. Give the network that it was begun with, or "
            "begin another study."
        )


def check_directions(study: Study, evaluators: Sequence[Any]) -> None:
    """Checks that each evaluator meets the study's direction.

    Args:
        study:
            A new or a loaded study.
        evaluators:
            One for each direction; one that knows its own says so by ``direction``: "minimize"
            or "maximize" in any case, or a ``StudyDirection``.

    Raises:
        ValueError:
            If there are more or fewer of them, or one wants the other direction or none there is.
    """
    directions = [direction.name.lower() for direction in study.directions]
    wanted = [
        _direction(evaluator) or direction
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


def _direction(evaluator: Any) -> str | None:
    wanted = getattr(evaluator, "direction", None)
    if wanted is None:
        return None
    name = str(wanted.name if isinstance(wanted, StudyDirection) else wanted).lower()
    if name not in ("minimize", "maximize"):
        raise ValueError(
            f"evaluator {getattr(evaluator, '__name__', type(evaluator).__name__)} has "
            f"direction={wanted!r}, but it must be 'minimize' or 'maximize', or None for the "
            "study's."
        )
    return name
