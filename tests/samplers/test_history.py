from __future__ import annotations

import copy
from datetime import datetime
from datetime import timedelta
import math
from pathlib import Path
import pickle
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
import optuna
from optuna.distributions import IntDistribution
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import create_trial
from optuna.trial import TrialState
import pytest

from optuna_nas.samplers._history import History


def read(history: History, study: optuna.Study) -> History:
    # As at ``study.ask()``, which forgets what the thread has cached.
    study._thread_local.cached_all_trials = None
    with history.of(study) as found:
        return found


def known(history: History) -> dict[str, Any]:
    """All but the order of arrival."""
    return {
        "trials": [(t.number, t.state, t.params) for t in history.trials],
        "valued": [t.number for t in history.valued],
        "rejected": [t.number for t in history.rejected],
        "arrived": sorted(t.number for t in history.arrived),
        "open": history.open,
        "distributions": history.distributions,
        "activity": history.activity._asked,
    }


def holds(history: History, x: int) -> bool:
    return history.architectures.holds({"x": x}.__getitem__)


def finish(study: optuna.Study, trial: optuna.Trial, how: str) -> None:
    if how in ("pruned", "complete"):
        trial.report(1.0, 1)
    if how == "complete":
        study.tell(trial, float(trial.number))
    else:
        study.tell(trial, state=TrialState.FAIL if how == "fail" else TrialState.PRUNED)


WAYS = ("complete", "pruned", "rejected", "fail", "open")


@given(st.lists(st.sampled_from(WAYS), min_size=1, max_size=12), st.data())
def test_read_bit_by_bit_it_knows_what_one_that_reads_all_knows(
    ways: list[str], data: st.DataObject
) -> None:
    study = optuna.create_study()
    history, running = History(), []
    for way in ways:
        trial = study.ask()
        trial.suggest_int("x", 0, 9)
        running.append((trial, way))
        if data.draw(st.booleans()):
            read(history, study)
        if data.draw(st.booleans()):
            done = running.pop(data.draw(st.integers(0, len(running) - 1)))
            if done[1] != "open":
                finish(study, *done)
    assert known(read(history, study)) == known(read(History(), study))
    ended = [t for t in study.trials if t.state.is_finished() and t.state != TrialState.FAIL]
    by_end = sorted(ended, key=lambda t: (t.datetime_complete, t.number))
    reported = [t.number for t in by_end if t.intermediate_values or t.value is not None]
    assert [t.number for t in history.valued] == reported
    assert [t.number for t in history.rejected] == [
        t.number for t in by_end if t.number not in reported
    ]
    assert history.open == [t.number for t in study.trials if not t.state.is_finished()]


def test_each_trial_is_learned_from_once(monkeypatch: pytest.MonkeyPatch) -> None:
    learned: list[int] = []
    learn = History._learn

    def count(self: History, trial: optuna.trial.FrozenTrial) -> None:
        learned.append(trial.number)
        learn(self, trial)

    monkeypatch.setattr(History, "_learn", count)
    study, history = optuna.create_study(), History()
    trials = [study.ask() for _ in range(6)]
    for trial in reversed(trials):
        study.tell(trial, 0.0)
        for _ in range(3):
            read(history, study)
    assert learned == [5, 4, 3, 2, 1, 0]


def test_valued_trials_are_in_the_order_they_ended_and_arrived_ones_in_that_they_were_read() -> (
    None
):
    study, history = optuna.create_study(), History()
    start = datetime(2026, 1, 1)
    for hours in (3, 1, 2, 1):
        trial = create_trial(value=0.0)
        trial.datetime_complete = start + timedelta(hours=hours)
        study.add_trial(trial)
        read(history, study)
    assert [t.number for t in history.valued] == [1, 3, 2, 0]
    assert [t.number for t in history.arrived] == [0, 1, 2, 3]


def test_of_failed_trials_it_is_only_known_that_they_ended() -> None:
    study, history = optuna.create_study(), History()
    trial = study.ask()
    x = trial.suggest_int("x", 0, 9)
    study.tell(trial, state=TrialState.FAIL)
    read(history, study)
    assert history.valued == history.rejected == history.open == []
    assert [t.number for t in history.arrived] == [0]
    assert not history.activity._asked
    assert not holds(history, x)


def test_if_a_range_changes_that_of_the_youngest_trial_counts() -> None:
    study, history = optuna.create_study(), History()
    old, young = study.ask(), study.ask()
    young.suggest_int("x", 0, 9)
    read(history, study)
    study.tell(young, 0.0)
    known = read(history, study).distributions
    old.suggest_int("x", 0, 5)
    assert read(history, study).distributions is known
    study.tell(old, 0.0)
    assert read(history, study).distributions == {"x": IntDistribution(0, 9)}
    assert read(History(), study).distributions == {"x": IntDistribution(0, 9)}


def test_trials_that_wait_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at: list[int] = []
    read_one = History._read_one

    def count(self: History, trial: optuna.trial.FrozenTrial) -> None:
        looked_at.append(trial.number)
        read_one(self, trial)

    monkeypatch.setattr(History, "_read_one", count)
    study, history = optuna.create_study(), History()
    for x in range(9):
        study.enqueue_trial({"x": x})
    for _ in range(5):
        read(history, study)
    assert looked_at == list(range(9))


def test_values_of_continuous_decisions_are_no_precedents_but_choices_of_floats_are() -> None:
    study, history = optuna.create_study(), History()
    trial = study.ask()
    trial.suggest_float("lr", 0.0, 1.0)
    trial.suggest_categorical("rate", [0.5])
    study.tell(trial, 0.0)
    assert set(read(history, study).activity._asked) == {("rate", 0.5)}


def test_rejected_trials_are_known_as_such() -> None:
    study, history = optuna.create_study(), History()
    trial = study.ask()
    x = trial.suggest_int("x", 0, 9)
    trial.set_constraint("size", math.inf)
    study.tell(trial, state=TrialState.PRUNED)
    read(history, study)
    assert [t.number for t in history.rejected] == [0]
    assert not history.valued
    assert holds(history, x)


def test_trials_that_wait_or_run_are_open() -> None:
    study, history = optuna.create_study(), History()
    study.enqueue_trial({"x": 1})
    study.enqueue_trial({"x": 2})
    study.ask()
    assert read(history, study).open == [0, 1]
    assert not holds(history, 1)


def test_another_study_begins_a_new_history() -> None:
    one, other, history = optuna.create_study(), optuna.create_study(), History()
    for study, n in ((one, 3), (other, 2)):
        study.optimize(lambda trial: trial.suggest_int("x", 0, 9), n_trials=n)
    read(history, one)
    arrived = history.arrived
    assert known(read(history, other)) == known(read(History(), other))
    assert history.arrived is not arrived
    assert known(read(history, one)) == known(read(History(), one))


def test_another_study_of_the_same_storage_begins_a_new_history() -> None:
    storage, history = optuna.storages.InMemoryStorage(), History()
    for n in (2, 3):
        study = optuna.create_study(storage=storage)
        study.optimize(lambda trial: trial.suggest_int("x", 0, 9), n_trials=n)
        assert len(read(history, study).valued) == n


@pytest.mark.parametrize("again", [copy.deepcopy, lambda h: pickle.loads(pickle.dumps(h))])
def test_a_copy_is_empty_and_reads_the_same(again: Any) -> None:
    study, history = optuna.create_study(), History()
    study.optimize(lambda trial: trial.suggest_int("x", 0, 9), n_trials=5)
    read(history, study)
    other = again(history)
    assert other.trials == []
    assert other.valued == []
    assert known(read(other, study)) == known(history)


def test_another_process_knows_the_same(tmp_path: Path) -> None:
    def storage() -> JournalStorage:
        return JournalStorage(JournalFileBackend(str(tmp_path / "journal")))

    study, history = optuna.create_study(storage=storage(), study_name="s"), History()
    trials = [study.ask() for _ in range(len(WAYS) * 2)]
    for trial, way in zip(trials, WAYS * 2, strict=True):
        trial.suggest_int("x", 0, 9)
        if way != "open":
            finish(study, trial, way)
        read(history, study)
    loaded = optuna.load_study(storage=storage(), study_name="s")
    assert known(read(History(), loaded)) == known(read(history, study))
