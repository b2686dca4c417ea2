from __future__ import annotations

from io import StringIO
import math
from types import SimpleNamespace
from typing import Any

import optuna
from optuna.distributions import CategoricalDistribution
import pytest
from rich.console import Console
from torch import nn

from optuna_nas._cli._finish import Finalist
from optuna_nas._cli._found import _knee_first
from optuna_nas._cli._found import report_front
from optuna_nas._cli._found import report_winner
from optuna_nas._cli._options import Options


OBJECTIVES = ["accuracy", "latency_ms"]


def study() -> optuna.Study:
    searched = optuna.create_study(directions=["maximize", "minimize"])
    distributions: Any = {"op": CategoricalDistribution(["a" * 50, "b" * 50])}
    for op, values in (("a", [0.9917, 17.25]), ("b", [0.9876, 0.125])):
        searched.add_trial(
            optuna.create_trial(values=values, params={"op": op * 50}, distributions=distributions)
        )
    return searched


def printed(width: int, *, objectives: list[str] = OBJECTIVES) -> str:
    console = Console(file=StringIO(), width=width)
    scores, setup = (0.9917, 0.9917, 0.9889), SimpleNamespace()
    setup.objectives, setup.options = objectives, Options("digits")
    setup.data = SimpleNamespace(metric="accuracy")
    finalists = [
        Finalist(number, trial.params, trial.values[0], 15, scores, cost=trial.values[1])
        for number, trial in enumerate(study().trials)
    ]
    if len(objectives) > 1:
        report_front(console, study(), objectives)
    report_winner(console, finalists, nn.Linear(100, 200), study(), setup)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_the_cost_of_each_finalist_and_the_size_of_the_network_chosen_are_told() -> None:
    lines = printed(100).splitlines()
    assert "  network  latency_ms  in the search  mean of 3  epochs  each" in map(
        str.rstrip, lines
    )
    row = "        0     17.2500         0.9917     0.9908      15  0.9917 0.9917 0.9889"
    assert row in map(str.rstrip, lines)
    assert "Network 0: 20,200 parameters" in lines


def test_with_one_objective_there_is_no_cost() -> None:
    said = printed(100, objectives=["accuracy"])
    assert "  network  in the search  mean of 3" in said
    assert "latency" not in said


def test_on_a_narrow_terminal_numbers_and_scores_stay_whole() -> None:
    for width in (50, 60, 80):
        lines = printed(width).splitlines()
        rows = [line.split()[:3] for line in lines]
        assert rows.count(["1", "0.1250", "0.9876"]) == 1  # of the finalists
        assert rows.count(["1", "0.9876", "0.1250"]) == 1  # of the front


def test_the_command_that_exports_another_network_is_in_one_line() -> None:
    command = "  optuna-nas export studies/digits --trial 1 --to studies/digits_1"
    assert command in printed(50).splitlines()


@pytest.mark.parametrize("directions", [["maximize"], ["maximize", "minimize"]])
def test_where_no_score_is_finite_the_front_has_no_knee(directions: list[str]) -> None:
    searched = optuna.create_study(directions=directions)
    values = [-math.inf, 3.0][: len(directions)]
    for _ in range(2):
        searched.add_trial(optuna.create_trial(values=values))
    assert _knee_first(searched) == searched.best_trials
