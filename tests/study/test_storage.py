from __future__ import annotations

import os
from pathlib import Path

import optuna
import pytest

from optuna_nas.study import _storage
from optuna_nas.study import create_study


def test_a_journal_whose_last_line_is_half_written_is_mended_and_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "s.journal"

    def search() -> optuna.Study:
        study = create_study(storage=path, sampler="random", seed=0, load_if_exists=True)
        study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=2)
        return study

    search()
    whole = path.read_bytes()
    with path.open("ab") as file:
        file.write(b'{"op_code":5,"worker_id":"abc')
    said: list[str] = []
    monkeypatch.setattr(_storage._logger, "warning", said.append)
    assert [trial.number for trial in search().trials] == [0, 1, 2, 3]
    assert said == [f"{path} ended in half a line, which was taken away."]
    assert path.read_bytes().startswith(whole)
    assert [entry.name for entry in tmp_path.iterdir()] == ["s.journal"]


def test_a_lock_that_leads_nowhere_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("s").mkdir()
    lock = Path("s/s.journal.lock")
    lock.symlink_to("s/s.journal")
    os.utime(lock, (0, 0), follow_symlinks=False)
    study = create_study(storage="s/s.journal", sampler="random", seed=0)
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=1)
    assert len(study.trials) == 1


def test_the_lock_of_a_journal_of_a_relative_name_leads_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    backend = create_study(storage="s/s.journal")._storage._backend
    backend._lock.acquire()
    try:
        assert Path("s/s.journal.lock").resolve(strict=True) == Path("s/s.journal").resolve()
    finally:
        backend._lock.release()
