from __future__ import annotations

from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from rich.console import Console
from sklearn.metrics import r2_score

from optuna_nas._cli._data import Data
from optuna_nas._cli._finish import Outcome
from optuna_nas._cli._options import Options
from optuna_nas._cli._words import report_files
from optuna_nas._cli._words import report_test
from tests.cli.conftest import flowers
from tests.cli.conftest import HEADER
from tests.cli.conftest import load
from tests.cli.conftest import write_csv


def said_of_test(data: Data, score: float) -> str:
    console = Console(file=StringIO(), width=100)
    report_test(console, [Outcome("chosen", score)], data)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def use(data: str, raw: Any, **options: Any) -> str:
    console = Console(file=StringIO(), width=40)
    setup: Any = SimpleNamespace(options=Options(data, **options), data=SimpleNamespace(raw=[raw]))
    report_files(console, setup)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue().splitlines()[-1]


@pytest.mark.parametrize(("unit", "digits"), [(1.0, ".4g"), (1e6, ",.0f")])
def test_the_error_of_a_regression_is_told_in_the_unit_of_its_target(
    tmp_path: Path, unit: float, digits: str
) -> None:
    rows = [[str(unit * float(length)), *others] for length, *others in flowers()]
    data = load(write_csv(tmp_path / "t.csv", HEADER, rows), target="length")
    y = data.targets.predict(data.test[1])
    guess = y + np.random.default_rng(0).normal(size=len(y)) * unit
    said = said_of_test(data, float(r2_score(y, guess)))
    assert f"RMSE {np.square(y - guess).mean() ** 0.5:{digits}}" in said
    assert "kept for the end; RMSE in the unit of 'length'" in said


def test_there_is_no_such_error_of_classes_and_of_several_numbers(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "t.npz", X=rng.normal(size=(60, 3)), y=rng.normal(size=(60, 2)))
    assert "RMSE" not in said_of_test(load(tmp_path / "t.npz"), 0.5)
    assert "RMSE" not in said_of_test(load("digits"), 0.5)


def test_what_was_searched_with_can_be_predicted_as_it_is() -> None:
    assert use("my data.csv", np.ones((9, 3)), drop=("id", "b c")) == (
        "Use       optuna-nas predict 'studies/my data/model' 'my data.csv' --drop id --drop 'b c'"
    )
    assert use("photos", np.ones((9, 8, 8))).endswith(" predict studies/photos/model photos")


def test_of_arrays_only_those_that_predict_finds(tmp_path: Path) -> None:
    path, x = tmp_path / "t.npz", np.ones((9, 3, 2))
    np.savez(path, X=x)
    assert use(str(path), x).endswith(f" predict studies/t/model {path}")
    np.savez(path, x_train=x)
    assert use(str(path), x).endswith("model rows.npz, once rows.npz holds X [n, 3, 2]")


def test_of_the_built_in_digits_it_is_told_what_their_rows_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("digits").mkdir()
    assert use("digits", np.ones((9, 8, 8))).endswith(
        "model rows.npz, once rows.npz holds X [n, 8, 8] of numbers from 0 to 16"
    )
