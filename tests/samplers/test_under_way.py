from __future__ import annotations

from collections.abc import Mapping
import pickle
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
import optuna
from optuna.distributions import IntDistribution
from optuna.trial import create_trial
from optuna.trial import FrozenTrial
from optuna.trial import TrialState
import pytest

from optuna_nas.samplers import LocalSearchSampler
from optuna_nas.samplers import RegularizedEvolutionSampler
from optuna_nas.samplers._history import History
from optuna_nas.samplers._planning import PlanningSampler
from optuna_nas.samplers._under_way import UnderWay


X = {"x": IntDistribution(0, 9)}
ARCHITECTURES = st.dictionaries(st.sampled_from("abc"), st.sampled_from([None, 0, 1]))


def running(study: optuna.Study, params: Mapping[str, Any]) -> None:
    """Another worker's trial; what it answers is in its user attrs."""
    study.add_trial(create_trial(state=TrialState.RUNNING, user_attrs={"answers": dict(params)}))


def answers(trial: FrozenTrial) -> Mapping[str, Any]:
    known: Mapping[str, Any] = trial.user_attrs["answers"]
    return known


def read(under_way: UnderWay, study: optuna.Study, number: int = -1) -> UnderWay:
    study._thread_local.cached_all_trials = None
    with History().of(study) as history:
        under_way.read(history, number, answers)
    return under_way


@given(st.lists(ARCHITECTURES, max_size=6), ARCHITECTURES.filter(bool), st.data())
def test_it_holds_what_an_open_trial_answers(
    begun: list[dict[str, Any]], candidate: dict[str, Any], data: st.DataObject
) -> None:
    study, under_way = optuna.create_study(), UnderWay()
    for params in begun:
        running(study, params)
        read(under_way, study)
        if data.draw(st.booleans()):
            study.tell(
                data.draw(st.integers(0, len(study.trials) - 1)), 0.0, skip_if_finished=True
            )
    number = data.draw(st.integers(-1, len(begun)))
    read(under_way, study, number)
    left = [t for t in study.trials if not t.state.is_finished() and t.number != number]
    expected = any(candidate.items() <= answers(trial).items() for trial in left)
    assert under_way.holds(candidate) is expected
    assert bool(under_way) is bool(left)


def test_each_open_trial_is_asked_once_until_it_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    study = optuna.create_study(sampler=RegularizedEvolutionSampler(seed=0))
    for x in range(30):
        study.add_trial(
            create_trial(params={"x": x}, distributions={"x": IntDistribution(0, 999)}, value=x)
        )
        study.enqueue_trial({"x": 100 + x})
    asked: list[int] = []
    known = PlanningSampler._known

    def count(self: PlanningSampler, history: History, trial: FrozenTrial) -> dict[str, Any]:
        asked.append(trial.number)
        return known(self, history, trial)

    monkeypatch.setattr(PlanningSampler, "_known", count)
    for _ in range(10):
        trial = study.ask()
        study.tell(trial, trial.suggest_int("x", 0, 999))
    assert len(asked) == len(set(asked)) == 29


def test_values_that_cannot_be_hashed_are_found() -> None:
    study = optuna.create_study()
    running(study, {"widths": [8, 16]})
    under_way = read(UnderWay(), study)
    assert under_way.holds({"widths": [8, 16]})
    assert not under_way.holds({"widths": [16, 8]})


def test_none_is_an_answer_and_no_decisions_are_no_architecture() -> None:
    study = optuna.create_study()
    running(study, {"x": 1})
    under_way = read(UnderWay(), study)
    assert not under_way.holds({"x": 1, "norm": None})
    assert not under_way.holds({})


def test_a_pickle_is_empty_and_reads_again() -> None:
    study = optuna.create_study()
    running(study, {"x": 1})
    again = pickle.loads(pickle.dumps(read(UnderWay(), study)))
    assert not again
    assert read(again, study).holds({"x": 1})


def test_what_waits_is_not_proposed_to_a_trial_of_which_a_part_was_enqueued() -> None:
    def objective(trial: optuna.Trial) -> float:
        return float(trial.suggest_int("x", 0, 1) + trial.suggest_int("y", 0, 3))

    study = optuna.create_study(sampler=LocalSearchSampler(seed=0))
    study.optimize(objective, n_trials=1)
    x = 1 - study.trials[0].params["x"]
    study.enqueue_trial({"x": x})
    for y in (0, 1, 2):
        study.enqueue_trial({"x": x, "y": y})
    study.optimize(objective, n_trials=1)
    assert study.trials[1].params == {"x": x, "y": 3}
