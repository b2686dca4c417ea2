from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from datetime import timedelta
from html.parser import HTMLParser
import sys
from types import SimpleNamespace
from typing import Any

import optuna
from optuna.distributions import CategoricalDistribution
from optuna.exceptions import StorageInternalError
from optuna.trial import TrialState
import pytest

from optuna_nas.visualization import _notebook
from optuna_nas.visualization import NotebookProgress


pytestmark = pytest.mark.filterwarnings("ignore:.*set_metric_names")


class Screen:
    """What IPython shows, and how often it made a new display."""

    def __init__(self) -> None:
        self.html: list[str] = []
        self.displays = 0
        self.HTML = str

    def display(self, shown: str, *, display_id: bool) -> Screen:
        assert display_id
        self.displays += 1
        self.update(shown)
        return self

    def update(self, shown: str) -> None:
        self.html.append(shown)

    @property
    def lines(self) -> list[str]:
        """The text of each line of what is shown now."""
        reader = Lines()
        reader.feed(self.html[-1])
        return [line.strip() for line in reader.lines]


class Lines(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        assert tag in ("div", "b", "code", "progress"), tag
        if tag == "div":
            self.lines.append("")

    def handle_data(self, data: str) -> None:
        self.lines[-1] += data


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Screen:
    fake = Screen()
    ipython = SimpleNamespace(get_ipython=lambda: "a shell")
    monkeypatch.setitem(sys.modules, "IPython", ipython)  # type: ignore[arg-type]
    monkeypatch.setitem(sys.modules, "IPython.display", fake)  # type: ignore[arg-type]
    monkeypatch.setattr(_notebook, "PAUSE", 0.0)
    return fake


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    now = 1000.0

    def go_on(seconds: float) -> None:
        nonlocal now
        now += seconds

    monkeypatch.setattr(_notebook, "monotonic", lambda: now)
    return go_on


def ended(
    *values: float, state: TrialState = TrialState.COMPLETE, op: str = "conv", **attrs: Any
) -> optuna.trial.FrozenTrial:
    """A trial that took 10 seconds."""
    trial = optuna.create_trial(
        state=state,
        values=values or None,
        params={"op": op},
        distributions={"op": CategoricalDistribution([op, "pool"])},
        user_attrs=attrs,
    )
    trial.datetime_complete = datetime(2026, 1, 1)
    trial.datetime_start = trial.datetime_complete - timedelta(seconds=10)
    return trial


def add(study: optuna.Study, progress: NotebookProgress, trial: optuna.trial.FrozenTrial) -> None:
    study.add_trial(trial)
    progress(study, trial)


def test_one_display_says_what_was_found_and_what_is_left(
    screen: Screen, clock: Callable[[float], None]
) -> None:
    study, progress = optuna.create_study(direction="maximize"), NotebookProgress(n_trials=4)
    study.set_metric_names(["accuracy"])
    add(study, progress, ended(0.5))
    assert screen.lines == [
        "1 of 4 trials, 30 s left",
        "accuracy 0.5 ▁",
        "network 0: conv",
        "in the study: 1 complete",
    ]
    clock(30)
    add(study, progress, ended(0.75))
    assert screen.lines[:3] == ["2 of 4 trials, 40 s left", "accuracy 0.75 ▁█", "network 1: conv"]
    assert '<progress value="2" max="4"></progress>' in screen.html[-1]
    assert screen.displays == 1


def test_pruned_rejected_failed_and_running_trials_are_counted(screen: Screen) -> None:
    study, progress = optuna.create_study(), NotebookProgress()
    study.ask()
    add(study, progress, ended(state=TrialState.PRUNED))
    add(study, progress, ended(state=TrialState.PRUNED, rejected="too large"))
    add(study, progress, ended(state=TrialState.FAIL))
    assert screen.lines == [
        "3 trials done",
        "in the study: 0 complete, 1 pruned, 1 rejected, 1 failed, 1 running",
    ]


def test_of_two_objectives_it_is_the_hypervolume_and_the_knee(screen: Screen) -> None:
    study = optuna.create_study(directions=["maximize", "minimize"])
    progress = NotebookProgress()
    add(study, progress, ended(0.1, 9.0))
    add(study, progress, ended(0.9, 5.0))
    assert screen.lines[1].startswith("hypervolume ")
    assert screen.lines[1].endswith("▁█")
    assert screen.lines[2] == "knee, network 1: conv"


@pytest.mark.parametrize(
    ("n_trials", "timeout", "told"),
    [
        (None, None, "1 trials done"),
        (None, 130.0, "1 trials done, 2 min 0 s left"),
        (100, 70.0, "1 of 100 trials, 1 min 0 s left"),
        (3, 3600.0, "1 of 3 trials, 20 s left"),
        (1, 60.0, "1 of 1 trials"),
        (None, 5, "1 trials done"),
    ],
)
def test_the_time_left_goes_by_trials_or_the_timeout_whichever_comes_first(
    screen: Screen,
    clock: Callable[[float], None],
    n_trials: int | None,
    timeout: float | None,
    told: str,
) -> None:
    add(optuna.create_study(), NotebookProgress(n_trials, timeout), ended(0.5))
    assert screen.lines[0] == told


def test_it_rests_after_a_long_look_but_shows_the_last_trial(
    screen: Screen, clock: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    look = _notebook.so_far

    def slow(*arguments: Any) -> Any:
        clock(1)
        return look(*arguments)

    monkeypatch.setattr(_notebook, "PAUSE", 20.0)
    monkeypatch.setattr(_notebook, "so_far", slow)
    study, progress = optuna.create_study(), NotebookProgress(n_trials=5)
    for seconds in (0, 10, 11, 1, 1):
        clock(seconds)
        add(study, progress, ended(0.5))
    shown = [html.split(" of 5 trials")[0][-1] for html in screen.html]
    assert shown == ["1", "3", "5"]


def test_names_with_markup_are_text(screen: Screen) -> None:
    markup = "<img src=x onerror=alert(1)>&amp;</div><script>"
    study, progress = optuna.create_study(), NotebookProgress()
    study.set_metric_names([markup])
    add(study, progress, ended(0.5, op=markup))
    assert screen.lines[1:3] == [f"{markup} 0.5 ▁", f"network 0: {markup}"]


def test_a_storage_that_cannot_be_read_for_a_moment_leaves_what_was_shown(
    screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    study, progress = optuna.create_study(), NotebookProgress()
    add(study, progress, ended(0.5))

    def locked(*arguments: Any, **options: Any) -> None:
        raise StorageInternalError("the database is locked")

    monkeypatch.setattr(study, "get_trials", locked)
    progress(study, ended(0.4))
    assert len(screen.html) == 1


def test_a_search_calls_it_after_each_trial(screen: Screen) -> None:
    study = optuna.create_study()
    progress = NotebookProgress(n_trials=3)
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), 3, callbacks=[progress])
    assert screen.lines[0] == "3 of 3 trials"
    assert screen.displays == 1


def test_without_ipython_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "IPython", None)
    with pytest.raises(ImportError, match=r"NotebookProgress needs IPython: pip install"):
        NotebookProgress()


def test_outside_of_a_notebook_it_says_so(screen: Screen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["IPython"], "get_ipython", lambda: None)
    with pytest.raises(RuntimeError, match=r"in a notebook, but this is none\. Elsewhere study\."):
        NotebookProgress()


@pytest.mark.parametrize(
    ("arguments", "error", "match"),
    [
        ({"n_trials": 0}, ValueError, r"n_trials must be at least 1, but is 0"),
        ({"n_trials": 2.5}, TypeError, r"n_trials must be an int, but is 2\.5"),
        (
            {"timeout": "1 h"},
            TypeError,
            r"timeout must be a number of seconds, but is '1 h'",
        ),
        ({"timeout": -1}, ValueError, r"timeout must be seconds, above 0 and finite, but is -1"),
    ],
)
def test_bad_numbers_are_told(
    screen: Screen, arguments: dict[str, Any], error: type[Exception], match: str
) -> None:
    with pytest.raises(error, match=match):
        NotebookProgress(**arguments)
