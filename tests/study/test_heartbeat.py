"""Trials of dead workers. Looks and beats are made by hand here; no test waits for a clock."""

from __future__ import annotations

from pathlib import Path
import subprocess
import sys
from threading import active_count
from typing import Any

import optuna
from optuna.trial import TrialState
import pytest

from optuna_nas.study import Heartbeat
from optuna_nas.study._heartbeat import BEAT
from optuna_nas.study._heartbeat import PATIENCE
from optuna_nas.study._heartbeat import RETRY_OF
from optuna_nas.study._heartbeat import WORKER


LOOKS = PATIENCE + 1


def ask(study: optuna.Study, heartbeat: Heartbeat, **worker: Any) -> optuna.Trial:
    """A trial that is signed by this process, or by one that differs in something."""
    trial = study.ask()
    heartbeat.sign(trial)
    trial.suggest_float("x", 0, 1)
    trial.set_user_attr(WORKER, {**trial.user_attrs[WORKER], **worker})
    return trial


def look(heartbeat: Heartbeat, times: int = LOOKS) -> list[int]:
    for _ in range(times):
        heartbeat._look()
    return heartbeat.retry_dead()


@pytest.fixture
def study() -> optuna.Study:
    return optuna.create_study(study_name="a study for heartbeats")


@pytest.fixture
def dead() -> int:
    """The number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def states(study: optuna.Study) -> list[str]:
    return [trial.state.name for trial in study.trials]


def test_a_process_of_this_host_that_is_gone_is_known_at_once(
    study: optuna.Study, dead: int
) -> None:
    trial = ask(study, Heartbeat(study), pid=dead)
    assert Heartbeat(study).retry_dead() == [trial.number]
    assert states(study) == ["FAIL", "WAITING"]
    again = study.ask()
    assert again.suggest_float("x", 0, 1) == trial.params["x"]
    assert again.user_attrs == {RETRY_OF: [trial.number]}


def test_a_later_process_of_that_number_is_another(study: optuna.Study) -> None:
    ask(study, Heartbeat(study), started="1")
    assert Heartbeat(study).retry_dead() == [0]


@pytest.mark.parametrize("other", ["host", "boot", "namespace"])
def test_a_number_says_nothing_where_it_counts_other_processes(
    other: str, study: optuna.Study, dead: int
) -> None:
    ask(study, Heartbeat(study), pid=dead, **{other: "another"})
    heartbeat = Heartbeat(study)
    assert look(heartbeat, LOOKS - 1) == []
    assert look(heartbeat, 1) == [0]


def test_a_worker_that_counts_is_alive_and_one_that_stands_still_is_not(
    study: optuna.Study,
) -> None:
    worker, heartbeat = Heartbeat(study), Heartbeat(study)
    ask(study, worker, host="another")
    for _ in range(3 * LOOKS):
        worker._beat()
        assert look(heartbeat, 1) == []
    assert study.trials[0].system_attrs[BEAT] == 3 * LOOKS
    assert look(heartbeat) == [0]


def test_who_beats_seldom_is_waited_for_longer(study: optuna.Study) -> None:
    ask(study, Heartbeat(study, interval=3.0), host="another")
    heartbeat = Heartbeat(study, interval=1.0)
    assert look(heartbeat, 3 * PATIENCE) == []
    assert look(heartbeat, 1) == [0]


def test_nobody_gives_up_a_trial_of_its_own(study: optuna.Study) -> None:
    heartbeat = Heartbeat(study)
    ask(study, heartbeat)
    assert look(heartbeat) == []


def test_running_trials_of_workers_without_a_heartbeat_are_left_alone(study: optuna.Study) -> None:
    study.ask().suggest_float("x", 0, 1)
    study.ask().report(1.0, step=1)
    assert look(Heartbeat(study)) == []


def test_who_died_before_it_signed_is_found_too(study: optuna.Study) -> None:
    study.enqueue_trial({"x": 0.25}, user_attrs={"origin": "default"})
    study.ask()
    assert look(Heartbeat(study)) == [0]
    again = study.trials[1]
    assert again.system_attrs["fixed_params"] == {"x": 0.25}
    assert again.user_attrs == {"origin": "default", RETRY_OF: [0]}


def test_what_a_trial_was_given_is_kept_and_what_it_wrote_is_not(
    study: optuna.Study, dead: int
) -> None:
    study.enqueue_trial({"x": 0.25, "y": 0.5}, user_attrs={"origin": "default"})
    ask(study, Heartbeat(study), pid=dead).set_user_attr("rejected", "too large")
    Heartbeat(study).retry_dead()
    again = study.trials[1]
    assert again.system_attrs["fixed_params"] == {"x": 0.25, "y": 0.5}
    assert again.user_attrs == {"origin": "default", RETRY_OF: [0]}


def test_what_dies_each_time_is_given_up(study: optuna.Study, dead: int) -> None:
    said: list[str] = []
    heartbeat = Heartbeat(study, max_retry=2, say=said.append)
    for _ in range(3):
        ask(study, heartbeat, pid=dead)
        heartbeat = Heartbeat(study, max_retry=2, say=said.append)
        heartbeat.retry_dead()
    assert states(study) == ["FAIL"] * 3
    assert study.trials[2].user_attrs[RETRY_OF] == [0, 1]
    assert said == [
        "the worker of trial 0 died; the trial is repeated.",
        "the worker of trial 1 died; the trial is repeated.",
        "the worker of trial 2 died; it is not repeated again.",
    ]


@pytest.mark.parametrize("storage", ["sqlite:///{}/s.db", "{}/s.journal"])
def test_only_one_of_two_that_find_a_trial_repeats_it(
    storage: str, tmp_path: Path, dead: int
) -> None:
    where = optuna.storages.get_storage(storage.format(tmp_path)) if "://" in storage else None
    if where is None:
        backend = optuna.storages.journal.JournalFileBackend(storage.format(tmp_path))
        where = optuna.storages.JournalStorage(backend)
    study = optuna.create_study(study_name="two", storage=where)
    ask(study, Heartbeat(study), pid=dead)
    first, second = Heartbeat(study), Heartbeat(study)
    found = study.get_trials(states=(TrialState.RUNNING,))
    assert first.retry_dead() == [0]
    second._study = _StillSees(study, found)  # type: ignore[assignment]
    assert second.retry_dead() == []
    assert states(study) == ["FAIL", "WAITING"]


class _StillSees:
    """A study as it was read a moment before another worker changed it."""

    def __init__(self, study: optuna.Study, found: list[optuna.trial.FrozenTrial]) -> None:
        self._study = study
        self._found = found

    def get_trials(self, **asked: Any) -> list[optuna.trial.FrozenTrial]:
        return self._found

    def __getattr__(self, name: str) -> Any:
        return getattr(self._study, name)


def test_a_beat_after_the_end_of_a_trial_is_none(study: optuna.Study) -> None:
    heartbeat = Heartbeat(study)
    study.tell(ask(study, heartbeat), 1.0)
    heartbeat._beat()
    heartbeat._beat()
    assert BEAT not in study.trials[0].system_attrs


def test_the_thread_beats_and_ends_with_the_block(tmp_path: Path) -> None:
    study = optuna.create_study(storage=f"sqlite:///{tmp_path / 's.db'}")
    before = active_count()
    with Heartbeat(study, interval=0.01) as heartbeat:
        trial = ask(study, heartbeat)
        while BEAT not in study.trials[0].system_attrs:
            pass
    assert active_count() == before
    study.tell(trial, 1.0)


def test_a_storage_that_is_away_for_a_moment_stops_no_beat(
    study: optuna.Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    heartbeat = Heartbeat(study, interval=0.01)
    failed: list[int] = []

    def away(*arguments: Any) -> None:
        failed.append(1)
        raise OSError("no route to host")

    with heartbeat, monkeypatch.context() as broken:
        ask(study, heartbeat)
        broken.setattr(study._storage, "set_trial_system_attr", away)
        while not failed:
            pass
        broken.undo()
        while BEAT not in study.trials[0].system_attrs:
            pass


@pytest.mark.parametrize("interval", [0, -1.0, float("nan"), float("inf"), "a"])
def test_an_interval_is_above_0(interval: Any, study: optuna.Study) -> None:
    with pytest.raises(ValueError, match=r"interval must be .* above 0 seconds, but got"):
        Heartbeat(study, interval=interval)


def test_nothing_is_repeated_less_than_never(study: optuna.Study) -> None:
    with pytest.raises(ValueError, match=r"max_retry must be an int of at least 0, but got -1\."):
        Heartbeat(study, max_retry=-1)
