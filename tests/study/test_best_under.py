from __future__ import annotations

import math
from typing import Any

import pytest

from optuna_nas.study import best_under
from tests.study.studies import told_study


VALUES = [[0.90, 5.0], [0.95, 6.0], [0.50, 1.0], [0.90, 4.0], [0.99, 4.5]]
MEASURED = {i: {"metrics": {"parameters": 100.0 * i, "latency_ms": 99.0}} for i in range(4)}


def study(**kwargs: Any) -> Any:
    return told_study(VALUES, violations={4: 1.0}, user_attrs=MEASURED, **kwargs)


def test_it_is_the_best_by_the_first_objective_within_the_limit() -> None:
    assert best_under(study(), latency_ms=5).number == 3  # of two as good, the faster one
    assert best_under(study(), latency_ms=3.9).number == 2
    assert best_under(study(), latency_ms=6).number == 1  # the limit itself is allowed


def test_with_a_limit_on_the_first_objective_it_is_the_best_by_the_next() -> None:
    assert best_under(study(), accuracy=0.9).number == 3
    assert best_under(study(), accuracy=0.9, latency_ms=9).number == 1


def test_every_metric_that_was_measured_can_be_limited() -> None:
    assert best_under(study(), parameters=250).number == 1
    assert best_under(study(), parameters=250, latency_ms=5.5).number == 0


def test_names_that_are_no_words_go_in_a_dict() -> None:
    assert best_under(study(names=None), **{"value 1": 5}).number == 3


def test_an_infeasible_trial_is_never_the_best() -> None:
    assert best_under(study(), latency_ms=100).number == 1


def test_what_it_is_changed_to_does_not_change_the_study() -> None:
    told = study()
    best_under(told, latency_ms=5).user_attrs.clear()
    assert told.trials[3].user_attrs == MEASURED[3]


def test_an_unknown_name_is_refused_with_those_there_are() -> None:
    message = r"study 's' has no metric 'latency'; it has 'parameters', 'latency_ms', 'accuracy'\."
    with pytest.raises(ValueError, match=message):
        best_under(study(), latency=5)


def test_if_none_is_within_the_limits_the_nearest_is_told() -> None:
    message = (
        r"none of the 4 feasible trials of study 's' has latency_ms <= 0.5; the nearest is trial "
        r"2, with latency_ms = 1\."
    )
    with pytest.raises(ValueError, match=message):
        best_under(study(), latency_ms=0.5)
    message = r"has accuracy >= 0.94 and latency_ms <= 5; the nearest is trial 0, with accuracy ="
    with pytest.raises(ValueError, match=message):
        best_under(study(), accuracy=0.94, latency_ms=5)


def test_a_trial_that_did_not_measure_a_metric_is_not_within_its_limit() -> None:
    told = told_study([[0.9, 1.0], [0.8, 1.0]], user_attrs={1: {"metrics": {"flops": 7.0}}})
    assert best_under(told, flops=7).number == 1
    with pytest.raises(ValueError, match=r"the nearest is trial 1, with flops = 7\."):
        best_under(told, flops=6)


def test_limits_that_are_none_are_refused() -> None:
    with pytest.raises(ValueError, match=r"best_under needs a limit by its name"):
        best_under(study())
    with pytest.raises(ValueError, match=r"the limit of latency_ms must be a number, but is NaN"):
        best_under(study(), latency_ms=math.nan)
    for limit in ("5", True, None):
        with pytest.raises(TypeError, match=r"the limit of latency_ms must be a number, but is "):
            best_under(study(), latency_ms=limit)  # type: ignore[arg-type]


def test_a_study_without_complete_trials_has_none() -> None:
    with pytest.raises(ValueError, match=r"study 's' has no complete trial that is feasible"):
        best_under(told_study([]), latency_ms=5)
