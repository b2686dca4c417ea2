from __future__ import annotations

from typing import Any

import numpy as np
import optuna
import pytest

from optuna_nas import create_study
from optuna_nas.study import truth
from optuna_nas.visualization import plot_proxies
from optuna_nas.visualization import to_matplotlib


def screened(directions: list[str], trials: int = 12, off: str | None = None) -> optuna.Study:
    """Trials with scores as a screen notes them; every third was chosen by it."""
    study = create_study(directions=directions, seed=0)
    rng = np.random.default_rng(0)
    for number in range(trials):
        trial = study.ask()
        trial.suggest_int("width", 1, 99)
        worth = float(rng.random())
        score: Any = None if number == 5 else worth + 0.1 * float(rng.random())
        seen = {"score": score, "parameters": float(rng.random()), "flops": None}
        trial.set_user_attr(
            "screen", {"estimate": "<b>naswot</b>", "chosen": number % 3 == 2, **seen}
        )
        study.tell(trial, [worth] * len(directions))
    study.set_user_attr("optuna_nas:screen", {"off": off})
    return study


def test_what_was_measured_and_what_the_screen_chose_have_colours_of_their_own() -> None:
    study = screened(["maximize"])
    measured, chosen, *_ = plot_proxies(study).data
    assert (measured.name, chosen.name) == ("measured", "chosen")
    numbers = [t.number for t in study.trials if t.number % 3 != 2]
    assert list(measured.y) == [study.trials[number].value for number in numbers]
    assert len(chosen.x) == 3  # one of four has no score


def test_the_meter_goes_over_the_trials_measured() -> None:
    study = screened(["maximize"])
    _, _, band, own, parameters = plot_proxies(study).data
    readings = truth(study, "<b>naswot</b>")
    assert list(own.x) == [4, 5, 6, 7, 8]
    assert own.y[-1] == readings[-1].coefficients["<b>naswot</b>"].spearman
    assert own.name == "&lt;b&gt;naswot&lt;/b&gt;"
    assert parameters.name == "parameters"
    assert max(band.y) <= 1


def test_the_figure_has_a_twin_in_matplotlib() -> None:
    figure = to_matplotlib(plot_proxies(screened(["maximize"])))
    assert len(figure.axes) == 2


def test_the_other_objective_is_drawn_too() -> None:
    study = screened(["maximize", "minimize"])
    figure = plot_proxies(study, objective=1)
    assert figure.layout.yaxis.title.text == "value 1"
    assert figure.data[3].y[-1] < 0  # less is better there


@pytest.mark.parametrize(
    ("off", "told"),
    [
        (None, "&lt;b&gt;naswot&lt;/b&gt; before training"),
        ("... which is not above zero", "the screen is off, it is not above 0"),
        ("... that of the parameter count, 1", "is off, it is below the parameter count"),
    ],
)
def test_the_title_says_whether_the_screen_is_off(off: str | None, told: str) -> None:
    title = plot_proxies(screened(["maximize"], off=off)).layout.title.text
    assert title.endswith(told)


def test_with_few_trials_there_is_no_meter_yet() -> None:
    assert [trace.name for trace in plot_proxies(screened(["maximize"], 2)).data] == ["measured"]


def test_a_study_without_scores_says_so() -> None:
    figure = plot_proxies(create_study(direction="maximize"))
    assert not figure.data
    assert "No trial was scored before" in figure.layout.annotations[0].text


@pytest.mark.parametrize("objective", [-1, 1])
def test_an_objective_that_is_not_there_is_refused(objective: int) -> None:
    message = rf"objective must be at least 0 and below 1.*but is {objective}"
    with pytest.raises(ValueError, match=message):
        plot_proxies(screened(["maximize"], 2), objective=objective)
