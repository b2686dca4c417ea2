from __future__ import annotations

import os
from pathlib import Path
import socket
import subprocess
import sys
from typing import Any

import optuna
from optuna.trial import TrialState
import pytest

from optuna_nas._cli._errors import BadInput
from optuna_nas._cli._study import fail_dead_trials
from optuna_nas._cli._study import objectives
from optuna_nas._cli._study import open_study
from optuna_nas._cli._study import sign
from optuna_nas._cli._study import without_password
from optuna_nas._cli._study import WORKER


SEARCH = {
    "data": "digits (12ab)",
    "target": None,
    "drop": [],
    "objectives": ["accuracy"],
    "seed": 3,
}


def opened(folder: Path, **changed: Any) -> optuna.Study:
    storage = str(folder / "study.journal")
    return open_study(storage, "digits", {**SEARCH, **changed}, sampler=None, pruner="none")


def test_a_study_of_the_same_search_goes_on(tmp_path: Path) -> None:
    opened(tmp_path).add_trial(optuna.create_trial(value=1.0))
    assert len(opened(tmp_path).trials) == 1


def test_an_error_names_all_that_differs_in_another_search(tmp_path: Path) -> None:
    opened(tmp_path)
    with pytest.raises(BadInput) as error:
        opened(tmp_path, seed=4, drop=["a", "b"], objectives=["accuracy", "flops"])
    assert str(error.value) == (
        f"study 'digits' in {tmp_path / 'study.journal'} belongs to another search: drop was none "
        "and now is a, b; objectives was accuracy and now is accuracy, flops; seed was 3 and now "
        "is 4. Give the options that it was begun with, or another folder: --out."
    )


def test_a_study_of_something_else_is_not_taken(tmp_path: Path) -> None:
    storage = f"sqlite:///{tmp_path / 'study.db'}"
    study = optuna.create_study(study_name="digits", storage=storage, direction="maximize")
    study.add_trial(optuna.create_trial(value=1.0))
    with pytest.raises(BadInput) as error:
        open_study(storage, "digits", SEARCH, sampler=None, pruner=None)
    assert str(error.value) == (
        f"study 'digits' in {storage} was not begun by optuna-nas search. Give another --out."
    )


def test_objectives_have_names_whoever_made_the_study(tmp_path: Path) -> None:
    assert objectives(opened(tmp_path)) == ["accuracy"]
    assert objectives(optuna.create_study()) == ["value"]
    assert objectives(optuna.create_study(directions=["minimize"] * 2)) == ["value 0", "value 1"]


def test_a_password_is_not_shown() -> None:
    url = "postgresql://me:p@ss@host:5432/db"
    assert without_password(url) == "postgresql://me:***@host:5432/db"
    assert without_password("sqlite:///a@b.db") == "sqlite:///a@b.db"


def begin(study: optuna.Study, worker: dict[str, Any] | None) -> int:
    trial = study.ask()
    sign(trial)
    if worker is not None:
        trial.set_user_attr(WORKER, {**trial.user_attrs[WORKER], **worker})
    return trial.number


def a_dead_pid() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_trials_of_dead_processes_of_this_host_are_failed_and_no_others() -> None:
    study = optuna.create_study()
    dead = [begin(study, {"pid": a_dead_pid()}), begin(study, {"started": "1"})]
    begin(study, None)
    begin(study, {"pid": os.getppid(), "started": None} if os.getppid() == 0 else {})
    begin(study, {"pid": a_dead_pid(), "host": f"not {socket.gethostname()}"})
    study.ask()
    assert fail_dead_trials(study) == len(dead)
    failed = study.get_trials(states=(TrialState.FAIL,))
    assert [trial.number for trial in failed] == dead
    assert fail_dead_trials(study) == 0
