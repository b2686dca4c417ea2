from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
import sys
from typing import Any

import optuna
from optuna.trial import TrialState
import pytest

from optuna_nas import create_study
from optuna_nas import SampledTrial
from optuna_nas.visualization import plot_rungs
from optuna_nas.visualization import save_plots


SEVERAL = ["maximize", "minimize"]


def searched(directions: list[str], storage: Path | None = None) -> optuna.Study:
    """Complete, pruned, failed and running trials, and one that reported nothing."""
    study = create_study(directions=directions, storage=storage, seed=0)
    for state in (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL, TrialState.RUNNING):
        asked = study.ask()
        trial = SampledTrial(asked)
        trial.suggest_int("width", 1, 9)
        for step in range(1, 4 if state == TrialState.COMPLETE else 3):
            trial.report([0.1 * step, 7.0][: len(directions)], step)
        if state != TrialState.RUNNING:
            values = [0.3, 7.0][: len(directions)] if state == TrialState.COMPLETE else None
            study.tell(asked, values, state=state)
    study.tell(study.ask(), state=TrialState.FAIL)
    return study


@pytest.mark.parametrize("directions", [["maximize"], SEVERAL])
def test_each_curve_ends_with_a_mark_that_says_what_became_of_the_trial(
    directions: list[str],
) -> None:
    study = searched(directions)
    figure = plot_rungs(study)
    marks = {trace.name: trace for trace in figure.data if trace.mode == "markers"}
    assert list(marks) == ["trained to the end", "stopped early", "running", "failed"]
    assert marks["trained to the end"].x == (3,)
    assert marks["stopped early"].x == (2,)
    width = study.trials[1].params["width"]
    assert marks["stopped early"].hovertext == (f"trial 1<br>step 2: 0.2<br>width = {width}",)
    lines = [trace for trace in figure.data if trace.mode == "lines"]
    assert lines[0].x == (1, 2, 3, None)
    assert lines[0].y == pytest.approx((0.1, 0.2, 0.3, None))


def test_the_other_objective_is_drawn_too() -> None:
    figure = plot_rungs(searched(SEVERAL), objective=1)
    assert figure.layout.yaxis.title.text == "value 1"
    assert figure.data[0].y == (7.0, 7.0, 7.0, None)


def test_a_study_without_reports_gives_an_empty_figure() -> None:
    assert not plot_rungs(create_study(direction="maximize")).data


@pytest.mark.parametrize("objective", [-1, 2])
def test_an_objective_that_is_not_there_is_refused(objective: int) -> None:
    study = create_study(directions=SEVERAL, study_name="two")
    message = rf"objective must be at least 0 and below 2.*study 'two', but is {objective}"
    with pytest.raises(ValueError, match=message):
        plot_rungs(study, objective=objective)


def saved(study: optuna.Study) -> list[str]:
    from optuna_dashboard._custom_plot_data import list_graph_object_ids

    return list_graph_object_ids(study._storage.get_study_system_attrs(study._study_id))


def test_the_dashboard_shows_what_the_study_has(tmp_path: Path) -> None:
    study = searched(SEVERAL, tmp_path / "study.journal")
    save_plots(study)
    assert sorted(saved(study)) == ["anytime", "decisions", "front", "rungs-0"]


def test_on_the_page_of_a_study_hovers_are_one_line(tmp_path: Path) -> None:
    study = searched(["maximize"], tmp_path / "study.journal")
    study.tell(study.ask(), 0.5)
    save_plots(study)
    stored = str(study._storage.get_study_system_attrs(study._study_id))
    assert "trial 1" in stored
    assert "trial 1<br>" not in stored


def test_as_a_callback_plots_are_saved_every_ten_trials() -> None:
    study = create_study(direction="maximize", seed=0)
    seen = []

    def objective(trial: optuna.Trial) -> float:
        seen.append(saved(study))
        trial.report(0.1, 1)
        trial.report(0.2, 2)
        return 0.2

    study.optimize(objective, n_trials=11, callbacks=[save_plots])
    assert seen == [[]] * 10 + [["rungs-0"]]


@pytest.mark.parametrize(
    ("missing", "plot", "message"),
    [
        ("plotly", plot_rungs, r'plot_rungs needs plotly: pip install "optuna-nas\[plot\]"'),
        ("optuna_dashboard", save_plots, r'needs optuna-dashboard: pip install "optuna-nas\[da'),
    ],
)
def test_a_package_that_is_missing_is_named(
    monkeypatch: pytest.MonkeyPatch,
    missing: str,
    plot: Callable[[optuna.Study], Any],
    message: str,
) -> None:
    for name in list(sys.modules):
        if name.split(".")[0] == missing:
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ImportError, match=message):
        plot(searched(["maximize"]))
