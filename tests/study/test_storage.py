from __future__ import annotations

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
