from __future__ import annotations

from collections.abc import Callable
import json
from pathlib import Path

import pytest

from optuna_nas._cli._config import has_password
from optuna_nas._cli._config import read_config
from optuna_nas._cli._config import read_options
from optuna_nas._cli._config import to_toml
from optuna_nas._cli._errors import BadInput
from optuna_nas._cli._options import Options
from tests.cli.conftest import Ran


Run = Callable[..., Ran]


def test_options_are_the_same_when_they_are_read_again(tmp_path: Path) -> None:
    options = Options(
        'my "data".csv',
        target="größe",
        drop=("a", "b\tc"),
        timeout="10m",
        limit=("parameters=1e4",),
        control=True,
        out=Path("x/y"),
        trials=7,
    )
    (tmp_path / "search.toml").write_text(to_toml(options), encoding="utf-8")
    assert read_options(tmp_path / "search.toml") == options


def test_a_password_is_not_written() -> None:
    text = to_toml(Options("digits", storage="postgresql://me:secret@host/db"))
    assert "secret" not in text
    assert "Give --storage." in text
    assert not has_password("sqlite:///a@b:c.db")


def test_a_search_writes_what_repeats_it_and_options_given_win(
    run: Run, flowers_csv: Path
) -> None:
    once = run("search", "flowers.csv", "--target", "kind", "--space", "mlp", "--trials", "1",
               "--epochs", "1", "--limit", "parameters=1e6", "--no-control")  # fmt: skip
    assert once.status == 0
    first = Path("studies/flowers/search.toml").read_text()
    again = run("search", "--config", "studies/flowers/search.toml", "--out", "again")
    assert again.status == 0
    assert Path("again/search.toml").read_text() == first + 'out = "again"\n'
    folders = Path("studies/flowers"), Path("again")
    results = [json.loads((folder / "result.json").read_text()) for folder in folders]
    assert results[0]["test"] == results[1]["test"]


def test_a_config_by_hand_may_have_dashes_and_plain_numbers(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text('data = "digits"\nimage-size = 8\n')
    assert read_config(path, ["data", "image_size"]) == {"data": "digits", "image_size": 8}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("trails = 3", r": 'trails' is no option of search\. Did you mean 'trials'\?$"),
        ("trials = ", r" cannot be read as TOML: "),
        ("[trials]\na = 3", r": trials must be a value, not a table\.$"),
        (None, r" is not there\.$"),
    ],
)
def test_a_config_that_is_none_is_told(tmp_path: Path, text: str | None, message: str) -> None:
    path = tmp_path / "c.toml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(BadInput, match=message):
        read_config(path, ["data", "trials"])


def test_a_config_with_a_value_of_another_kind_is_told(run: Run) -> None:
    Path("c.toml").write_text('data = "digits"\ntrials = "many"\n')
    ran = run("search", "--config", "c.toml")
    assert ran.status == 2
    assert "Invalid value for '--trials'" in ran.err
