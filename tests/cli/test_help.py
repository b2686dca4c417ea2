from __future__ import annotations

from collections.abc import Callable
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
    ],
)
def test_nobody_waits_to_hear_of_a_file_that_is_not_there_or_a_name_that_there_is_not(
    run: Run, arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "optuna_nas._cli._search", None)  # its import is an error
    assert run("search", *arguments).status == 2


def test_there_is_a_version(run: Run) -> None:
    ran = run("--version")
    assert ran.status == 0
    assert ran.out.count(".") == 2


def test_data_are_needed(run: Run) -> None:
    ran = run("search")
    assert ran.status == 2
    assert "Missing argument 'DATA'" in ran.err
