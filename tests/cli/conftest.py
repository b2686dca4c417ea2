from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from optuna_nas._cli import app


class Ran:
    """What a command left: its exit status and its text, with line breaks taken for spaces."""

    def __init__(self, arguments: Sequence[str]) -> None:
        result = CliRunner().invoke(app, list(arguments))
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        self.status = result.exit_code
        self.out = " ".join(result.stdout.split())
        self.err = " ".join(result.stderr.split())


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ran]:
    """Runs the command line in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: Ran([str(argument) for argument in arguments])


def write_csv(path: Path, header: Sequence[str], rows: Sequence[Sequence[Any]]) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def flowers(rows: int = 100) -> list[list[Any]]:
    """Rows of length, width, colour and kind, of which the kind follows from the others."""
    rng = np.random.default_rng(0)
    table: list[list[Any]] = []
    for i in range(rows):
        kind = ("daisy", "rose")[i % 2]
        length, width = rng.normal(size=2) + (i % 2)
        table.append([f"{length:.4f}", f"{width:.4f}", ("red", "white", "blue")[i % 3], kind])
    return table


HEADER = ("length", "width", "colour", "kind")


@pytest.fixture
def flowers_csv(tmp_path: Path) -> Path:
    return write_csv(tmp_path / "flowers.csv", HEADER, flowers())
