from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import optuna
from optuna.trial import FrozenTrial
import pytest

from optuna_nas._cli._choose import plan
from optuna_nas._cli._choose import seconds_of_trainings
from optuna_nas._cli._choose import trainings
from optuna_nas._cli._options import Options


def setup(**options: Any) -> Any:
    data = SimpleNamespace(rows=(60, 20, 20))
    return SimpleNamespace(epochs=10, data=data, options=Options("digits", **options))


def trial(seconds: float, epochs: int) -> FrozenTrial:
    return optuna.create_trial(value=0.5, user_attrs={"seconds": seconds, "epochs": epochs})


def test_the_trainings_take_as_long_an_epoch_as_those_of_the_search() -> None:
    one, other = trial(20.0, 10), trial(4.0, 1)  # 2 and 4 s an epoch
    again, once_more = 10 * (3 * 2 + 3 * 4), 10 * 3 * 80 / 60
    assert seconds_of_trainings(setup(), [([one, other], 2)]) == pytest.approx(again + once_more)
    both = seconds_of_trainings(setup(), [([one, other], 2), ([one], 1)])
    assert both == pytest.approx(again + once_more + 10 * 2 * (3 + 80 / 60))
    assert seconds_of_trainings(setup(), [([one, other], 0)]) == pytest.approx(once_more)


def test_a_finalist_without_times_takes_as_long_as_the_others() -> None:
    timeless = optuna.create_trial(value=0.5)
    told = seconds_of_trainings(setup(), [([trial(10.0, 10), timeless], 2)])
    assert told == pytest.approx(10 * (6 + 80 / 60))
    assert seconds_of_trainings(setup(), [([timeless], 1)]) is None


def test_after_the_search_it_is_told_how_long_what_follows_takes_if_that_is_known() -> None:
    assert trainings(setup(), [([trial(10.0, 10)] * 3, 3)]) == (
        "Now 10 trainings of up to 10 epochs, about 2 min: 3 finalists 3 times each, and the "
        "winner once more. Then scikit-learn's MLP, the export and the report."
    )
    timeless = [optuna.create_trial(value=0.5)]
    assert trainings(setup(), [(timeless, 1), (timeless, 1)]).startswith(
        "Now 8 trainings of up to 10 epochs: 2 finalists 3 times each, and the 2 winners once "
    )


def test_before_the_search_it_is_told_that_its_timeout_does_not_end_what_follows() -> None:
    told = "(at most 10 trainings of 10 epochs), then the test"
    assert plan(setup()).endswith(told)
    assert plan(setup(timeout="40s")).endswith(f"{told}; --timeout ends the search only")
