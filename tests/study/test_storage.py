from __future__ import annotations

from pathlib import Path

import optuna

from optuna_nas.study import create_study


def test_a_journal_whose_last_line_is_half_written_is_mended(tmp_path: Path) -> None:
    path = tmp_path / "s.journal"

    def search() -> optuna.Study:
        study = create_study(storage=path, sampler="random", seed=0, load_if_exists=True)
        study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=2)
        return study

    search()
    whole = path.read_bytes()
    with path.open("ab") as file:
        file.write(b'{"op_code":5,"worker_id":"abc')
    assert [trial.number for trial in search().trials] == [0, 1, 2, 3]
    assert path.read_bytes().startswith(whole)
    assert [entry.name for entry in tmp_path.iterdir()] == ["s.journal"]
