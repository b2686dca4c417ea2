"""Trials up to a total, by one process and by several that are killed, stopped or fail."""

from __future__ import annotations

from collections import Counter
import os
from pathlib import Path
import re
import signal
import sys
from time import sleep
from types import ModuleType
from typing import Any

import optuna
from optuna.trial import FrozenTrial
from optuna.trial import TrialState
import pytest

from optuna_nas import Objective
from optuna_nas import spaces
from optuna_nas.study import create_study
from optuna_nas.study import Heartbeat
from optuna_nas.study import optimize
from optuna_nas.study._heartbeat import RETRY_OF
from optuna_nas.study._heartbeat import WORKER
from optuna_nas.study._process import is_gone


POSTGRESQL = os.environ.get("OPTUNA_NAS_POSTGRESQL")
"""URL of a database that may be written to."""

posix = pytest.mark.skipif(sys.platform == "win32", reason="needs signals")


def slowly(trial: optuna.Trial) -> float:
    x = trial.suggest_float("x", 0, 1)
    sleep(0.1)
    return x


def quickly(trial: optuna.Trial) -> float:
    return trial.suggest_float("x", 0, 1)


def killed_once(trial: optuna.Trial) -> float:
    """The fifth network takes all memory, let us say, and the system kills the process."""
    value = slowly(trial)
    if trial.number == 4:
        os.kill(os.getpid(), signal.SIGKILL)
    return value


def dies(trial: optuna.Trial) -> float:
    os.kill(os.getpid(), signal.SIGKILL)
    return 0.0


def stops(trial: optuna.Trial) -> float:
    value = slowly(trial)
    trial.study.stop()
    return value


def fails(trial: optuna.Trial) -> float:
    raise ArithmeticError(f"no trial {trial.suggest_int('x', 0, 0)}")


def states(study: optuna.Study) -> Counter[str]:
    return Counter(trial.state.name for trial in study.trials)


# In this process


def test_n_trials_is_a_total_of_what_was_trained() -> None:
    study = create_study()
    optimize(study, quickly, 3)
    optimize(study, quickly, 5)
    assert states(study) == {"COMPLETE": 5}

    def pruned(trial: optuna.Trial) -> float:
        raise optuna.TrialPruned

    optimize(study, pruned, 7)
    optimize(study, quickly, 7)
    assert states(study) == {"COMPLETE": 5, "PRUNED": 2}


def test_a_timeout_begins_no_other_trial() -> None:
    study = create_study()
    optimize(study, slowly, timeout=0.05)
    assert states(study) == {"COMPLETE": 1}


def test_callbacks_are_optunas() -> None:
    study, told = create_study(), []

    def callback(study: optuna.Study, trial: FrozenTrial) -> None:
        told.append((trial.number, trial.state))
        if trial.number == 2:
            study.stop()

    optimize(study, quickly, 9, callbacks=[callback])
    assert told == [(i, TrialState.COMPLETE) for i in range(3)]


def test_a_sampler_that_has_tried_all_ends_the_search() -> None:
    study = create_study(sampler="grid")
    optimize(study, lambda trial: trial.suggest_int("x", 0, 3), 9)
    assert states(study) == {"COMPLETE": 4}


def test_what_the_objective_raises_ends_the_search_and_fails_the_trial() -> None:
    study = create_study()
    with pytest.raises(ArithmeticError, match=r"no trial 0"):
        optimize(study, fails, 3)
    assert states(study) == {"FAIL": 1}
    with pytest.raises(RuntimeError, match=r"supposed to be invoked inside"):
        study.stop()


def test_the_last_trial_of_another_worker_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    study = create_study()
    other = study.ask()
    Heartbeat(study).sign(other)
    waited: list[float] = []

    def pause(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 3:
            study.tell(other, 1.0)

    monkeypatch.setattr("optuna_nas.study._optimize.sleep", pause)
    optimize(study, quickly, 2)
    assert states(study) == {"COMPLETE": 2}
    assert len(waited) == 3


def test_a_running_trial_that_nobody_signed_is_not_waited_for() -> None:
    study = create_study()
    study.ask().suggest_float("x", 0, 1)
    optimize(study, quickly, 2)
    assert states(study) == {"RUNNING": 1, "COMPLETE": 2}


def test_who_slept_while_another_gave_its_trial_up_goes_on() -> None:
    study = create_study()

    def sleeps(trial: optuna.Trial) -> float:
        if trial.number == 0:
            study._storage.set_trial_state_values(trial._trial_id, TrialState.FAIL)
            trial.set_user_attr("late", True)
        if trial.number == 1:
            study._storage.set_trial_state_values(trial._trial_id, TrialState.FAIL)
        return quickly(trial)

    optimize(study, sleeps, 2)
    assert states(study) == {"FAIL": 2, "COMPLETE": 2}


# By several


@posix
@pytest.mark.parametrize(
    "storage",
    [
        "{}/s.journal",
        "sqlite:///{}/s.db",
        pytest.param(
            POSTGRESQL, marks=pytest.mark.skipif(not POSTGRESQL, reason="no PostgreSQL server")
        ),
    ],
    ids=["journal", "sqlite", "postgresql"],
)
def test_a_killed_worker_costs_no_finished_trial_and_one_repeat(
    storage: str, tmp_path: Path
) -> None:
    where, name = storage.format(tmp_path), f"killed {os.getpid()}"
    study = create_study(storage=where, study_name=name, sampler="tpe", seed=0)
    finished: dict[int, Any] = {}
    said: list[str] = []

    def remember(study: optuna.Study, trial: FrozenTrial) -> None:
        finished[trial.number] = trial.values

    optimize(study, killed_once, 9, workers=2, callbacks=[remember], say=said.append)
    assert states(study) == {"COMPLETE": 9, "FAIL": 1}
    assert finished == {trial.number: trial.values for trial in study.trials}
    (again,) = (trial for trial in study.trials if RETRY_OF in trial.user_attrs)
    assert again.user_attrs[RETRY_OF] == [4]
    assert again.params == study.trials[4].params
    (died,) = (text for text in said if text.startswith("worker"))
    assert re.fullmatch(r"worker \d died \(signal SIGKILL\); another takes its place\.", died)
    xs = [trial.params["x"] for trial in study.trials]
    assert len(set(xs)) == len(xs) - 1  # the samplers of the workers draw different numbers


@posix
def test_a_keyboard_interrupt_leaves_no_worker_and_the_trials_for_the_next_run(
    tmp_path: Path,
) -> None:
    study = create_study(storage=tmp_path / "s.journal", sampler="tpe", seed=0)
    workers: list[dict[str, Any]] = []

    def interrupt(study: optuna.Study, trial: FrozenTrial) -> None:
        workers.extend(t.user_attrs[WORKER] for t in study.trials if WORKER in t.user_attrs)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        optimize(study, slowly, 1000, workers=2, callbacks=[interrupt])
    assert all(is_gone(worker) for worker in workers)
    counts = states(study)
    assert counts["RUNNING"] == 0
    assert counts["WAITING"] == counts["FAIL"] <= 2


def test_what_the_objective_raises_in_a_worker_is_told_with_its_traceback(tmp_path: Path) -> None:
    study = create_study(storage=tmp_path / "s.journal")
    with pytest.raises(
        RuntimeError, match=r"(?s)worker \d ended by an error:\n.*in fails\n.*no tr"
    ):
        optimize(study, fails, 9, workers=1 + 1, say=lambda text: None)
    assert set(states(study)) == {"FAIL"}


@posix
def test_workers_that_die_each_time_end_the_search(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("optuna_nas.study._crew.DEATHS", 1)
    study = create_study(storage=tmp_path / "s.journal")
    with pytest.raises(RuntimeError, match=r"2 workers died and no trial was finished in betw"):
        optimize(study, dies, 9, workers=2, say=lambda text: None)
    assert states(study)["RUNNING"] == 0


def test_an_objective_that_stops_the_study_stops_all_workers(tmp_path: Path) -> None:
    study = create_study(storage=tmp_path / "s.journal")
    optimize(study, stops, 99, workers=2)
    assert set(states(study)) == {"COMPLETE"}
    assert len(study.trials) <= 2


def test_that_workers_take_seconds_to_start_is_not_counted(tmp_path: Path) -> None:
    study = create_study(storage=tmp_path / "s.journal")
    optimize(study, quickly, workers=2, timeout=0.05)  # a process takes longer to begin
    assert len(study.trials) > 0


# Bad input


@pytest.mark.parametrize("storage", [None, "sqlite://"])
def test_a_study_in_memory_has_one_worker(storage: str | None) -> None:
    study = create_study(study_name="s", storage=storage)
    with pytest.raises(ValueError, match=r"workers=2 need a storage.*'s' is in memory: create_st"):
        optimize(study, quickly, 3, workers=2)


@pytest.mark.parametrize("is_lambda", [False, True])
def test_what_workers_cannot_import_is_refused_with_the_remedy(
    is_lambda: bool, tmp_path: Path
) -> None:
    def local(trial: optuna.Trial) -> float:
        return 0.0

    study = create_study(storage=tmp_path / "s.journal")
    given = (lambda trial: 0.0) if is_lambda else local
    with pytest.raises(ValueError, match=r"cannot go to worker processes: .*define networks and"):
        optimize(study, given, 3, workers=2)
    assert study.trials == []


def test_what_a_notebook_defines_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notebook = ModuleType("__main__")
    exec("def cell(trial): return 0.0", notebook.__dict__)
    monkeypatch.setitem(sys.modules, "__main__", notebook)
    study = create_study(storage=tmp_path / "s.journal")
    with pytest.raises(ValueError, match=r"a part of it is defined in a notebook or at a prompt"):
        optimize(study, notebook.cell, 3, workers=2)


def test_the_study_of_another_network_is_refused_before_a_trial_begins(tmp_path: Path) -> None:
    study = create_study(storage=tmp_path / "s.journal")
    Objective(spaces.MLP(4, 2), lambda module, trial: 0.0).check(study)
    other = Objective(spaces.MLP(4, 2, widths=(8, 9)), lambda module, trial: 0.0)
    with pytest.raises(ValueError, match=r"was begun with another search space"):
        optimize(study, other, 3)
    assert study.trials == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, r"optimize needs n_trials, timeout, or both: else it would never end\."),
        ({"n_trials": 0}, r"n_trials must be an int of at least 1, or None, but got 0\."),
        ({"n_trials": 3, "workers": 0}, r"workers must be an int of at least 1, but got 0\."),
        ({"n_trials": 3, "threads": -1}, r"threads must be an int of at least 1, but got -1\."),
        ({"timeout": 0}, r"timeout must be a finite number above 0 seconds, or None, but got 0\."),
        ({"timeout": float("nan")}, r"timeout must be .* above 0 seconds, .* but got nan\."),
        ({"timeout": "a"}, r"timeout must be .* above 0 seconds, or None, but got 'a'\."),
        ({"n_trials": "a"}, r"n_trials must be an int of at least 1, or None, but got 'a'\."),
        ({"n_trials": 3, "workers": 1.5}, r"workers must be an int of .*, but got 1\.5\."),
        ({"n_trials": 3, "threads": None}, r"threads must be an int of .*, but got None\."),
        ({"n_trials": 3, "heartbeat": "a"}, r"heartbeat must be .* 0 seconds, but got 'a'\."),
        ({"n_trials": 3, "max_retry": -1}, r"max_retry must be an int of at least 0, but got -1"),
    ],
)
def test_numbers_are_in_range(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        optimize(create_study(), quickly, **arguments)
