from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
import csv
from pathlib import Path
import re
import shutil
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from optuna_nas._cli import _search
from optuna_nas._cli import app
from optuna_nas._cli._data import Data
from optuna_nas._cli._data import load_data
from optuna_nas._cli._options import Options


PATIENCE = 120
"""Seconds for a page; a busy machine takes long."""


class Ran:
    """What a command left: its exit status and its text, without colours and line breaks."""

    def __init__(self, arguments: Sequence[str]) -> None:
        result = CliRunner().invoke(app, list(arguments))
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        self.status = result.exit_code
        self.raw = result.stdout
        self.out, self.err = map(_plain, (result.stdout, result.stderr))


def _plain(text: str) -> str:
    return " ".join(re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text).split())


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ran]:
    """Runs the command line in an empty folder, without the files that end a search."""
    monkeypatch.chdir(tmp_path)
    for save in ("save_model", "save_report"):
        monkeypatch.setattr(_search, save, lambda *arguments, **options: None)
    return run_here


def run_here(*arguments: object) -> Ran:
    return Ran([str(argument) for argument in arguments])


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes rich take stderr for a terminal, a wide one."""
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("COLUMNS", "1000")


def load(source: object, **options: Any) -> Data:
    return load_data(Options(str(source), **options))


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


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A headless Chromium; the test is skipped where there is none."""
    webdriver = pytest.importorskip("selenium.webdriver")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    driver = shutil.which("chromedriver")
    if chromium is None or driver is None:
        pytest.skip("there is no chromium with its chromedriver")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    for argument in (
        "--headless=new",
        "--no-sandbox",  # which a container has not
        "--disable-dev-shm-usage",
        "--window-size=1400,2000",
    ):
        options.add_argument(argument)
    opened = webdriver.Chrome(options, webdriver.ChromeService(driver))
    opened.set_page_load_timeout(PATIENCE)
    yield opened
    opened.quit()
