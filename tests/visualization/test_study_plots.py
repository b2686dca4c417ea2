"""What holds for all plots of a study."""

from __future__ import annotations

from collections.abc import Callable
import json
import sys
from typing import Any

import optuna
from optuna.distributions import CategoricalDistribution
from optuna.trial import TrialState
import pytest

from optuna_nas.visualization import plot_anytime
from optuna_nas.visualization import plot_decisions
from optuna_nas.visualization import plot_genealogy
from optuna_nas.visualization import plot_importance
from optuna_nas.visualization import plot_pareto_front
from optuna_nas.visualization import plot_proxies
from optuna_nas.visualization import plot_rungs
from optuna_nas.visualization._study_plots import study_plots
from tests.visualization.test_genealogy import evolved
from tests.visualization.test_proxies import screened
from tests.visualization.trials import study_of
from tests.visualization.trials import trial_of


Plot = Callable[[optuna.Study], Any]
PLOTS: list[Plot] = [
    plot_anytime,
    plot_decisions,
    plot_importance,
    plot_pareto_front,
    plot_rungs,
]
TWO = ("maximize", "minimize")
STATES = [TrialState.PRUNED, TrialState.FAIL, TrialState.RUNNING, TrialState.WAITING]
ODD = {
    "none": [],
    "one": [trial_of([1.0, 2.0])],
    "without values": [trial_of(state=state) for state in STATES],
    "rejected": [trial_of(params={}, rejected="too large")] * 3,
    "infeasible": [trial_of([1.0, 2.0], broken=1.0)] * 9,
    "not finite": [trial_of([float("inf"), -float("inf")])] * 9,
    "without decisions": [trial_of([float(i), 2.0], {}) for i in range(9)],
}


@pytest.mark.parametrize("trials", ODD.values(), ids=ODD.keys())
@pytest.mark.parametrize("plot", PLOTS)
def test_odd_studies_are_drawn_as_far_as_there_is_something(plot: Plot, trials: Any) -> None:
    figure = plot(study_of(trials, TWO))
    json.loads(figure.to_json())
    assert figure.data or figure.layout.annotations or plot is plot_rungs


@pytest.mark.parametrize("plot", PLOTS)
def test_markup_in_a_study_is_text(plot: Plot) -> None:
    space = {"<b>op</b>": CategoricalDistribution(["<img src=x>", "$x$", "a"])}
    trials = [
        trial_of(
            [float(i), 2.0],
            {"<b>op</b>": ["<img src=x>", "$x$"][i % 2]},
            space=space,
            rejected="<script>",
            reports={"1": [0.1, 2.0]},
        )
        for i in range(10)
    ]
    study = study_of(trials, TWO, ["<i>a</i>", "$y$"], study_name="<u>study</u>")
    text = plot(study).to_json().replace("\\u003c", "<")
    assert not [
        tag for tag in ("<b>", "<img", "<i>", "<u>", "<script", "$x$", "$y$") if tag in text
    ]


def test_a_page_has_the_plots_that_have_something_to_show() -> None:
    assert list(dict(study_plots(study_of([])))) == []
    assert list(dict(study_plots(evolved()))) == ["decisions", "genealogy"]
    reporting = [trial_of([1.0, 2.0], reports={"1": [0.1, 2.0], "2": [0.2, 2.0]})]
    expected = ["rungs-0", "decisions", "front", "anytime"]
    assert list(dict(study_plots(study_of(reporting, TWO)))) == expected


def test_a_page_says_what_a_screen_was_worth() -> None:
    assert "proxies" in dict(study_plots(screened(["maximize"])))
    unscored = [trial_of([1.0], screen={"estimate": "naswot", "score": None, "chosen": False})]
    assert "proxies" not in dict(study_plots(study_of(unscored)))


def test_the_plot_of_a_screen_is_of_the_objective_that_it_estimates() -> None:
    study = screened(["maximize", "minimize"])
    study.set_user_attr("optuna_nas:screen", {"off": None, "objective": 1})
    assert dict(study_plots(study))["proxies"] == plot_proxies(study, objective=1)


@pytest.mark.parametrize("plot", [*PLOTS, plot_genealogy])
def test_plotly_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, plot: Plot) -> None:
    for name in list(sys.modules):
        if name.split(".")[0] == "plotly":
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "plotly", None)
    message = rf'{plot.__name__} needs plotly: pip install "optuna-nas\[plot\]"'
    with pytest.raises(ImportError, match=message):
        plot(study_of([], TWO))
