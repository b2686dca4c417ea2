from __future__ import annotations

from pathlib import Path
from typing import Any

import optuna
import pytest

from optuna_nas._cli._errors import BadInput
from optuna_nas._cli._study import objectives
from optuna_nas._cli._study import open_study
from optuna_nas._cli._study import without_password


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


def test_an_option_that_is_not_given_any_more_differs_too(tmp_path: Path) -> None:
    opened(tmp_path, limits={"flops": 1e6})
    with pytest.raises(BadInput, match=r"limits was {'flops': 1000000\.0} and now is none\."):
        opened(tmp_path)


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
