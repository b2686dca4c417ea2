from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
import re
import subprocess
import sys

import pytest
from typer.main import get_command

from optuna_nas._cli import app
from tests.cli.conftest import Ran


Run = Callable[..., Ran]


def test_there_is_help(run: Run) -> None:
    ran = run("--help")
    assert ran.status == 0
    assert "Usage:" in ran.out


@pytest.mark.parametrize("command", list(get_command(app).commands))
def test_each_command_has_help_with_an_example(run: Run, command: str) -> None:
    ran = run(command, "--help")
    assert ran.status == 0
    assert "Usage:" in ran.out
    assert re.search(rf"Examples?: optuna-nas {command} ", ran.out)


def test_the_help_of_search_has_examples_and_exit_statuses(run: Run) -> None:
    ran = run("search", "--help")
    assert "optuna-nas search --config" in ran.out
    assert "Exit status: 0, 2 for" in ran.out


def test_help_does_not_wait_for_what_it_does_not_need() -> None:
    code = (
        "import sys\n"
        "from optuna_nas._cli import app\n"
        "app(['search', '--help'], standalone_mode=False)\n"
        "print(sorted({'torch', 'optuna', 'pandas', 'sklearn', 'numpy'} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    "arguments",
    [
        ["nowhere.csv"],
        ["digits", "--test", "nowhere.csv"],
        ["digits", "--sampler", "tpee"],
        ["digits", "--space", "cnnn"],
        ["digits", "--timeout", "soon"],
        ["flowers.csv"],
        ["flowers.csv", "--target", "knid"],
        ["flowers.csv", "--target", "kind", "--drop", "color"],
        ["flowers.csv", "--target", "kind", "--drop", "kind"],
    ],
)
def test_nobody_waits_to_hear_of_a_file_that_is_not_there_or_a_name_that_there_is_not(
    run: Run, flowers_csv: Path, arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("_columns", "_search"):
        monkeypatch.setitem(sys.modules, f"optuna_nas._cli.{name}", None)  # importing is an error
    assert run("search", *arguments).status == 2


def test_there_is_a_version(run: Run) -> None:
    ran = run("--version")
    assert ran.status == 0
    assert ran.out.count(".") == 2


def test_data_are_needed_on_the_command_line_or_in_a_file(run: Run) -> None:
    Path("c.toml").write_text("trials = 3\n")
    what = (
        "It is a table (.csv, .tsv, .parquet), arrays (.npz), a folder with a folder of images "
        "for each class, or 'digits'."
    )
    for arguments, where in (
        ([], "--config may name a file that says it"),
        (["--config", "c.toml"], "c.toml has none"),
    ):
        ran = run("search", *arguments)
        assert (ran.err, ran.status) == (f"error: DATA is missing ({where}). {what}", 2)
    told = run("search", "--help").out
    assert "search [OPTIONS] [DATA]" in told
    assert "unless" in told
