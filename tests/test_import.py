"""Importing the package, and asking the command line for help, stays cheap."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("import optuna_nas", ["torch", "optuna", "numpy", "sklearn", "typer"]),
        ("import optuna_nas.samplers", ["torch", "sklearn", "typer"]),
        ("import optuna_nas._cli", ["torch", "optuna", "sklearn", "numpy"]),
    ],
)
def test_importing_does_not_load_what_is_not_needed_yet(statement: str, absent: list[str]) -> None:
    code = f"{statement}; import sys; print([m for m in {absent} if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"


def test_an_import_of_a_public_name_works_as_of_any_other() -> None:
    code = "from optuna_nas import create_study, spaces; print(create_study.__name__, spaces.MLP)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.startswith("create_study <class")
