from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st
import numpy as np
import pytest

from optuna_nas.study import hypervolume
from optuna_nas.study import knee_point
from optuna_nas.study._front import front
from tests.study.studies import told_study


VALUES = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 9)).map(lambda pair: [*map(float, pair)]),
    min_size=1,
    max_size=12,
)
DIRECTIONS = st.lists(st.sampled_from(["minimize", "maximize"]), min_size=2, max_size=2)


@given(VALUES, DIRECTIONS)
def test_the_front_is_optunas(values: list[list[float]], directions: list[str]) -> None:
    study = told_study(values, directions)
    assert [t.number for t in front(study)] == sorted(t.number for t in study.best_trials)


def test_a_front_has_feasible_trials_of_finite_values_only() -> None:
    study = told_study(
        [[0.9, 1.0], [math.inf, 1.0], [0.8, 2.0], [0.7, 1.5]], violations={0: 0.1, 2: 0.0}
    )
    study.enqueue_trial({})
    assert [trial.number for trial in front(study)] == [2, 3]


def test_an_architecture_that_was_evaluated_twice_is_on_the_front_once() -> None:
    same = {"width": 8}
    study = told_study([[0.9, 2.0], [0.9, 2.0], [0.8, 1.9]], params=[same, same, same])
    assert [trial.number for trial in front(study)] == [0]
    study = told_study([[0.9, 2.0], [0.9, 2.0]])
    assert [trial.number for trial in front(study)] == [0, 1]


@given(VALUES, DIRECTIONS)
def test_the_knee_of_two_objectives_is_farthest_below_the_line_through_the_ends(
    values: list[list[float]], directions: list[str]
) -> None:
    study = told_study(values, directions)
    signs = np.array([-1.0 if d == "maximize" else 1.0 for d in directions])
    costs = np.array([trial.values for trial in study.best_trials]) * signs
    knee = knee_point(study)
    assert knee.number in [trial.number for trial in study.best_trials]
    first, last = costs[costs[:, 0].argmin()], costs[costs[:, 0].argmax()]
    along, offsets = last - first, costs - first
    distances = (along[1] * offsets[:, 0] - along[0] * offsets[:, 1]).round(9)
    position = [trial.number for trial in study.best_trials].index(knee.number)
    assert distances[position] == distances.max()


def test_the_knee_is_where_the_front_bulges_whatever_the_units() -> None:
    corner = [[0.5, 1.0], [0.90, 1.5], [0.95, 9.0]]
    assert knee_point(told_study(corner)).number == 1
    assert knee_point(told_study([[a, 1e6 * b] for a, b in corner])).number == 1


def test_a_front_without_a_knee_gives_the_end_better_by_the_first_objective() -> None:
    assert knee_point(told_study([[0.5, 1.0], [0.9, 2.0]])).number == 1
    assert knee_point(told_study([[0.5, 1.0], [0.51, 8.9], [0.9, 9.0]])).number == 2


def test_the_knee_of_three_objectives_is_near_the_best_in_each() -> None:
    values = [[0.0, 1.0, 1.0], [1.0, 0.0, 1.0], [1.0, 1.0, 0.0], [0.3, 0.3, 0.3]]
    assert knee_point(told_study(values, ["minimize"] * 3, None)).number == 3


def test_the_knee_of_one_objective_or_of_one_trial_is_the_best_there_is() -> None:
    assert knee_point(told_study([[1.0], [3.0], [2.0]], ["maximize"], None)).number == 1
    assert knee_point(told_study([[0.5, 1.0]])).number == 0


def test_what_a_knee_is_changed_to_does_not_change_the_study() -> None:
    study = told_study([[0.5, 1.0]])
    knee_point(study).user_attrs["seen"] = True
    assert study.trials[0].user_attrs == {}


def test_a_study_without_a_feasible_trial_has_no_knee() -> None:
    with pytest.raises(ValueError, match=r"study 's' has no complete trial that is feasible: of "):
        knee_point(told_study([]))
    message = r"of its 1 trials, 1 are complete; 1 break a constraint or have no finite values\."
    with pytest.raises(ValueError, match=message):
        knee_point(told_study([[0.5, 1.0]], violations={0: 2.0}))


def test_the_hypervolume_is_the_area_between_the_front_and_the_reference() -> None:
    study = told_study([[0.9, 5.0], [0.95, 6.2], [0.5, 1.0], [0.4, 3.0]])
    by_hand = 0.9 * 5.0 + 0.05 * 3.8 + 0.5 * 4.0
    assert hypervolume(study, [0.0, 10.0]) == pytest.approx(by_hand)


def test_what_is_not_better_than_the_reference_in_each_objective_adds_nothing() -> None:
    study = told_study([[0.9, 5.0], [0.95, 10.0], [0.5, 1.0]])
    assert hypervolume(study, [0.5, 10.0]) == pytest.approx(0.4 * 5.0)
    assert hypervolume(study, [0.99, 10.0]) == 0.0
    assert hypervolume(told_study([]), [0.5, 10.0]) == 0.0
    infeasible = told_study([[0.9, 5.0]], violations={0: 1.0})
    assert hypervolume(infeasible, [0.5, 10.0]) == 0.0


@given(VALUES, DIRECTIONS)
def test_a_trial_more_never_makes_the_hypervolume_smaller(
    values: list[list[float]], directions: list[str]
) -> None:
    reference = [5.0, 5.0]
    less = hypervolume(told_study(values[:-1], directions), reference)
    assert hypervolume(told_study(values, directions), reference) >= less


@given(st.lists(st.tuples(*[st.integers(0, 5)] * 3), min_size=1, max_size=8))
def test_the_hypervolume_of_three_objectives_counts_boxes(points: list[tuple[int, ...]]) -> None:
    study = told_study([[*map(float, p)] for p in points], ["minimize"] * 3, None)
    boxes = sum(
        any(all(point <= corner) for point in np.array(points)) for corner in np.ndindex(6, 6, 6)
    )
    assert hypervolume(study, [6, 6, 6]) == pytest.approx(boxes)


@pytest.mark.parametrize(
    "reference", [[1.0], 1.0, [1.0, math.nan], [1.0, math.inf], ["a", 1], None]
)
def test_a_reference_that_is_no_point_is_refused(reference: object) -> None:
    message = r"reference must be a finite number for each objective of study 's', 2 of them"
    with pytest.raises(ValueError, match=message):
        hypervolume(told_study([[0.9, 5.0]]), reference)  # type: ignore[arg-type]
