from __future__ import annotations

from typing import Any

import optuna
from optuna.study import StudyDirection
import pytest

from optuna_nas.metrics import Parameters
from optuna_nas.study._remembered import check_directions


class Score:
    """An evaluator that knows its direction."""

    def __init__(self, direction: Any) -> None:
        self.direction = direction

    def __call__(self, module: Any, trial: Any) -> float:
        return 0.0


def plain(module: Any, trial: Any) -> float:
    return 0.0


@pytest.mark.parametrize("direction", ["maximize", "MAXIMIZE", StudyDirection.MAXIMIZE, None])
def test_an_evaluator_says_its_direction_as_optuna_does_or_not_at_all(direction: Any) -> None:
    study = optuna.create_study(directions=["maximize", "minimize", "maximize"])
    check_directions(study, [Score(direction), Parameters(), plain])


@pytest.mark.parametrize("direction", ["MINIMIZE", StudyDirection.MINIMIZE])
def test_a_study_that_goes_the_other_way_is_refused(direction: Any) -> None:
    study = optuna.create_study(study_name="s", direction="maximize")
    message = r"want directions \['minimize'\], but study 's' has \['maximize'\]; create the study"
    with pytest.raises(ValueError, match=message):
        check_directions(study, [Score(direction)])


@pytest.mark.parametrize("direction", ["max", "", 1, StudyDirection.NOT_SET])
def test_a_direction_that_there_is_not_is_refused_with_the_evaluators_name(direction: Any) -> None:
    study = optuna.create_study(direction="maximize")
    message = r"evaluator Score has direction=.*, but it must be 'minimize' or 'maximize', or None"
    with pytest.raises(ValueError, match=message):
        check_directions(study, [Score(direction)])
    named = Score("up")
    named.__name__ = "accuracy"  # type: ignore[attr-defined]
    with pytest.raises(ValueError, match="evaluator accuracy has direction='up'"):
        check_directions(study, [named])
