"""The time limit, with a clock that the test owns."""

from __future__ import annotations

from collections.abc import Iterator
import math

import pytest

from optuna_nas import NASClassifier
from optuna_nas._estimator import _clock
from optuna_nas._estimator._clock import Clock
from optuna_nas._estimator._clock import Limited
from optuna_nas._estimator._clock import OutOfTime
from optuna_nas.training import constant
from tests.estimator.tables import CHEAP
from tests.estimator.tables import two_classes


class Time:
    """Seconds that pass when asked for the time, a little, or when told."""

    def __init__(self) -> None:
        self.now = 0.0
        self.tick = 0.0

    def __call__(self) -> float:
        self.now += self.tick
        return self.now


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Iterator[Time]:
    time = Time()
    monkeypatch.setattr(_clock, "perf_counter", time)
    return time


def test_without_a_limit_time_does_not_matter(time: Time) -> None:
    clock = Clock()
    time.now = 1e9
    assert clock.for_trial() == math.inf
    assert not clock.is_over()


def test_one_training_takes_a_part_and_leaves_time_to_repeat_it(time: Time) -> None:
    clock = Clock(100.0, again=1.5, started=time())
    assert clock.for_trial() == pytest.approx(40.0)
    time.now = 70.0
    assert clock.for_trial() == pytest.approx(30 / 2.5)


def test_the_time_to_train_the_best_again_is_kept(time: Time) -> None:
    clock = Clock(100.0, again=1.5, networks=2, started=time(), trials=[10.0, 10.0])
    time.now = 65.0
    assert clock.for_trial() == pytest.approx(5.0)
    assert not clock.is_over()
    time.now = 68.0
    assert clock.is_over()


def test_a_schedule_spans_the_time_where_that_ends_before_the_epochs(time: Time) -> None:
    limited = Limited(lambda progress: progress, seconds=10.0, started=time())
    assert limited(0.1) == pytest.approx(0.1)
    time.now = 5.0
    assert limited(0.2) == pytest.approx(0.5)
    assert limited(0.9) == pytest.approx(0.9)
    time.now = 10.5
    with pytest.raises(OutOfTime):
        limited(0.95)


def test_one_step_is_trained_however_little_time_there_is(time: Time) -> None:
    limited = Limited(constant, seconds=0.0, started=time())
    assert limited(0.0) == 1.0
    with pytest.raises(OutOfTime):
        limited(0.1)


@pytest.mark.parametrize("timeout", [1e-3, 1.0, 8.0])
@pytest.mark.parametrize("arguments", [{}, {"refit": False, "cv": 2}, {"ensemble": 2}])
def test_a_search_ends_in_time_with_a_network(
    time: Time, timeout: float, arguments: dict[str, object]
) -> None:
    time.tick = 0.05
    x, y = two_classes()
    classifier = NASClassifier(
        **{**CHEAP, "n_trials": None, "epochs": 30, "timeout": timeout, **arguments}
    ).fit(x, y)
    assert time.now < max(1.1 * timeout, timeout + 2)
    assert classifier.predict(x).shape == (80,)


def test_a_timeout_alone_ends_a_search_however_many_trials_it_has_had(time: Time) -> None:
    time.tick = 0.05
    arguments = {"space": "mlp", "epochs": 1, "refit": False, "random_state": 0}
    classifier = NASClassifier(**arguments, timeout=20.0).fit(*two_classes())
    assert len(classifier.history_) > 20


def test_without_an_end_a_search_has_20_trials() -> None:
    x, y = two_classes()
    classifier = NASClassifier(space="mlp", epochs=1, refit=False, random_state=0).fit(x, y)
    assert len(classifier.history_) == 20
    assert classifier.get_params()["n_trials"] is None


def test_a_training_that_runs_out_of_time_is_scored_as_it_is(time: Time) -> None:
    time.tick = 0.05
    x, y = two_classes()
    arguments = {**CHEAP, "n_trials": 1, "epochs": 500, "timeout": 3.0, "refit": False}
    classifier = NASClassifier(**arguments).fit(x, y)
    assert 0 < classifier.history_[0]["epochs"] < 500
    assert classifier.best_score_ > 0.5


def test_time_is_left_for_the_last_score(time: Time) -> None:
    limited = Limited(lambda progress: progress, seconds=10.0, scoring=3.0, started=time())
    limited(0.0)
    time.now = 2.0  # a step takes 2 seconds, the score 6
    assert limited(0.1) == pytest.approx(0.8)
    time.now = 5.0
    with pytest.raises(OutOfTime):
        limited(0.2)
