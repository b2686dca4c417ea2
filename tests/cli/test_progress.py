from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console
from rich.progress import Task
from rich.progress import TaskID
from rich.progress_bar import ProgressBar

from optuna_nas._cli._progress import _Bar
from optuna_nas._cli._progress import _Count
from optuna_nas._cli._progress import _Time
from optuna_nas._cli._progress import progress


NOW = 1000.0


def shown(task: Task) -> tuple[str, str]:
    return str(_Count().render(task)), str(_Time().render(task))


def begun(spent: float, total: int | None, done: int = 0, **fields: float) -> Task:
    """A task that began so many seconds ago."""
    told = {"before": 0, "seconds": None, **fields}
    made = Task(TaskID(0), "", total, done, lambda: NOW, fields=told)
    made.start_time = NOW - spent
    return made


@pytest.mark.parametrize(
    ("spent", "total", "done", "fields", "said"),
    [
        (30, 20, 10, {}, ("10 of 20", "30 s left")),
        (30, 20, 10, {"before": 5}, ("10 of 20", "1 min 0 s left")),
        (30, 20, 10, {"seconds": 40}, ("10 of 20", "10 s left")),
        (30, None, 10, {"seconds": 40}, ("10 networks", "10 s left")),
        (30, None, 1, {"seconds": 20}, ("1 network", "time is up, ending the last")),
        (30, 20, 0, {}, ("0 of 20", "")),
        (30, 1, 0, {}, ("", "")),
    ],
)
def test_how_much_is_done_and_left_is_told_as_far_as_it_is_known(
    spent: float,
    total: int | None,
    done: int,
    fields: dict[str, float],
    said: tuple[str, str],
) -> None:
    assert shown(begun(spent, total, done, **fields)) == said


def test_at_the_end_it_is_told_how_long_it_took() -> None:
    ended = begun(90, 20, 7, seconds=80)
    ended.stop_time = NOW
    assert shown(ended) == ("7 of 20", "1 min 30 s")


def test_the_bar_is_over_time_where_only_that_ends_the_step() -> None:
    bar = _Bar().render(begun(30, None, 10, seconds=40))
    assert isinstance(bar, ProgressBar)
    assert (bar.completed, bar.total) == (30, 40)
    bar = _Bar().render(begun(50, None, 10, seconds=40))
    assert (bar.completed, bar.total) == (40, 40)


def test_without_a_terminal_a_step_that_ends_is_a_line_and_one_that_does_not_is_none(
    capsys: pytest.CaptureFixture[str],
) -> None:
    console = Console(file=StringIO(), force_terminal=False)
    with progress(console, "Searching [x]", 2, None, seconds=9.0) as step:
        step(3, "best")
    with pytest.raises(KeyboardInterrupt), progress(console, "Report", 0, 1):
        raise KeyboardInterrupt
    assert capsys.readouterr().err == "Searching [x]: 3 networks, best, 0 s\n"


@pytest.mark.parametrize(("width", "bar"), [(80, False), (120, True)])
def test_on_a_narrow_terminal_what_was_found_takes_the_place_of_the_bar(
    width: int, bar: bool
) -> None:
    console = Console(file=StringIO(), force_terminal=True, width=width, color_system=None)
    with progress(console, "Searching", 0, 30) as step:
        step(29, "best accuracy 0.9944 (network 26), front of 2")
    assert isinstance(console.file, StringIO)
    said = console.file.getvalue()
    assert "best accuracy 0.9944 (network 26)" in said
    assert ("━" in said) == bar
