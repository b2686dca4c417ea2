from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import optuna
import pytest

from optuna_nas._cli._errors import BadInput
from optuna_nas._cli._show import load
from optuna_nas._cli._study import objectives
from optuna_nas._cli._study import open_study
from optuna_nas._cli._study import storage_at
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
    command = "--storage postgresql://me:p@ss@host/db?password=x&a=1 --target a@b"
    hidden = "--storage postgresql://me:***@host/db?password=***&a=1 --target a@b"
    assert without_password(command) == hidden


def test_a_folder_stands_for_the_journal_in_it(tmp_path: Path) -> None:
    with pytest.raises(
        BadInput, match=r"^there is no study in the folder .*: no \.journal file\. Of a study"
    ):
        storage_at(str(tmp_path))
    (tmp_path / "digits").mkdir()
    (tmp_path / "digits" / "study.journal").touch()
    with pytest.raises(BadInput, match=r": no \.journal file\. Give one in it: .*/digits\.$"):
        storage_at(str(tmp_path))
    (tmp_path / "control.journal").touch()  # of random search, beside a search in a database
    with pytest.raises(BadInput, match=r": no \.journal file but control\.journal\. "):
        storage_at(str(tmp_path))
    (tmp_path / "b.journal").touch()
    assert storage_at(str(tmp_path)) == str(tmp_path / "b.journal")
    (tmp_path / "a.journal").touch()
    with pytest.raises(BadInput, match=r" holds 2 journals: a\.journal, b\.journal\. Say which: "):
        storage_at(str(tmp_path))
    (tmp_path / "study.journal").touch()
    journal = str(tmp_path / "study.journal")
    assert storage_at(f"{tmp_path}/") == journal
    assert storage_at(journal) == journal
    assert storage_at("postgresql://me@host/db") == "postgresql://me@host/db"


def test_rows_for_the_test_count_by_their_name_wherever_they_lay(tmp_path: Path) -> None:
    opened(tmp_path, test="rows/test.csv")
    opened(tmp_path, test="test.csv")
    with pytest.raises(BadInput, match=r"test was test\.csv and now is other\.csv\."):
        opened(tmp_path, test="other.csv")


def test_a_folder_whose_search_has_its_study_elsewhere_stands_for_that(tmp_path: Path) -> None:
    folder = tmp_path / "digits"
    folder.mkdir()
    (folder / "control.journal").touch()
    (folder / "study.journal").touch()
    config = folder / "search.toml"
    config.write_text('data = "digits"\n')
    assert storage_at(str(folder)) == str(folder / "study.journal")
    config.write_text('data = "digits"\nstorage = "postgresql://me@host/db"\n')
    assert storage_at(str(folder)) == "postgresql://me@host/db"
    storage = f"sqlite:///{tmp_path / 'all.db'}"
    config.write_text(f"storage = {json.dumps(storage)}\n")
    for name in ("digits", "others"):
        open_study(storage, name, SEARCH, sampler=None, pruner=None)
    assert load(str(folder), None).study_name == "digits"


def test_a_storage_that_says_how_it_is_reached_is_looked_for_too(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"^there is no study at .*none\.db: that file is not"):
        storage_at(f"sqlite+pysqlite:///{tmp_path / 'none.db'}")
    (tmp_path / "a.db").touch()
    assert storage_at(there := f"sqlite+pysqlite:///{tmp_path / 'a.db'}") == there


def test_a_study_that_is_alone_is_found_under_another_name(tmp_path: Path) -> None:
    def named(name: str) -> str:
        journal = str(tmp_path / "study.journal")
        return open_study(
            journal, name, SEARCH, sampler=None, pruner=None, alone=True
        ).study_name  # fmt: skip

    assert [named("first"), named("moved")] == ["first", "first"]
    assert opened(tmp_path).study_name == "digits"
    assert named("third") == "third"
