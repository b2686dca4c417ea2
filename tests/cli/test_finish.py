from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import optuna
import pytest
from threadpoolctl import threadpool_limits

from optuna_nas._cli._finish import best_trials
from optuna_nas._cli._finish import default_mlp
from optuna_nas._cli._finish import FINALISTS
from optuna_nas._cli._finish import last_good_epoch
from optuna_nas._cli._finish import Outcome
from optuna_nas._cli._progress import best_so_far
from optuna_nas._cli._words import verdict
from tests.cli.conftest import flowers
from tests.cli.conftest import HEADER
from tests.cli.conftest import load
from tests.cli.conftest import write_csv


def test_finalists_are_the_best_by_score_and_differ() -> None:
    study = optuna.create_study(directions=["maximize", "minimize"])
    distributions: Any = {"depth": optuna.distributions.IntDistribution(0, 9)}
    for depth, score in ((1, 0.5), (2, 0.9), (2, 0.8), (3, 0.7), (4, 0.6), (5, 0.1)):
        study.add_trial(
            optuna.create_trial(
                params={"depth": depth}, distributions=distributions, values=[score, 1.0]
            )
        )
    assert [trial.params["depth"] for trial in best_trials(study)] == [2, 3, 4]
    assert FINALISTS == 3


def test_of_finalists_with_one_score_the_cheapest_are_first() -> None:
    study = optuna.create_study(directions=["maximize", "minimize"])
    distributions: Any = {"depth": optuna.distributions.IntDistribution(0, 9)}
    for depth, values in ((1, [0.9, 5.0]), (2, [0.9, 6.0]), (3, [0.9, 4.0]), (4, [0.8, 1.0])):
        study.add_trial(
            optuna.create_trial(
                params={"depth": depth}, distributions=distributions, values=values
            )
        )
    assert [trial.params["depth"] for trial in best_trials(study)] == [3, 1, 2]
    assert best_so_far(study, "accuracy").startswith("best accuracy 0.9000 (network 2)")


def test_where_few_were_trained_to_the_end_those_that_got_furthest_are_finalists_too() -> None:
    study = optuna.create_study(direction="maximize")
    distributions: Any = {"depth": optuna.distributions.IntDistribution(0, 9)}
    for depth, curve in ((1, [0.9, 0.9]), (2, [0.1, 0.2]), (3, [0.8]), (4, [0.5, 0.6]), (5, [])):
        study.add_trial(
            optuna.create_trial(
                state=optuna.trial.TrialState.PRUNED,
                params={"depth": depth},
                distributions=distributions,
                intermediate_values=dict(enumerate(curve, start=1)),
            )
        )
    study.add_trial(
        optuna.create_trial(params={"depth": 9}, distributions=distributions, value=0.3)
    )
    assert [trial.params["depth"] for trial in best_trials(study)] == [9, 1, 4]


@pytest.mark.parametrize(
    ("curves", "epoch"),
    [
        ([[0.1, 0.5, 0.9]] * 3, 3),
        ([[0.1, 0.9, 0.5]] * 3, 2),
        ([[0.9, 0.9, 0.9]] * 3, 3),
        ([[0.1, 0.8, 0.88], [0.1, 1.0, 0.9], [0.1, 0.9, 0.89]], 3),
        ([[0.1, 0.8, 0.7], [0.1, 1.0, 0.9], [0.1, 0.9, 0.8]], 2),
    ],
)
def test_training_is_cut_short_only_where_more_does_harm(
    curves: list[list[float]], epoch: int
) -> None:
    assert last_good_epoch(curves) == epoch


def test_the_control_is_as_good_as_it_should_be() -> None:
    with threadpool_limits(1):
        control = default_mlp(load("digits"), seed=0)
    assert control.name == "scikit-learn's MLPClassifier"
    assert 0.95 < control.score < 1


def test_the_control_sees_categories_one_hot_whatever_the_networks_see(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "t.csv", HEADER, flowers())
    with threadpool_limits(1):
        scores = [
            default_mlp(load(path, target="kind", space=space), seed=0).score
            for space in ("tabular", "mlp")
        ]
    assert scores[0] == scores[1]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (
            10,
            "The network chosen beats random search: 8 fewer mistakes in 360 rows (Fisher's exact "
            "test, p = 0.037).",
        ),
        (
            1,
            "Random search is not shown to be better than the network chosen: 1 fewer mistake in "
            "360 rows (Fisher's exact test, p = 1).",
        ),
        (2, "The network chosen and random search are equally good."),
    ],
)
def test_the_better_one_is_named_unless_that_may_be_luck(wrong: int, said: str) -> None:
    found = Outcome("chosen", 358 / 360)
    control = Outcome("random_search", (360 - wrong) / 360)
    assert str(verdict(found, control, load("digits"))) == said


def test_of_two_regressions_the_higher_r2_is_named() -> None:
    data: Any = SimpleNamespace(classes=None, rows=(300, 60, 40))
    found, control = Outcome("chosen", 0.5), Outcome("random_search", 0.75)
    assert str(verdict(found, control, data)) == (
        "Random search is ahead of the network chosen: r2 higher by 0.2500 on 40 rows, not tested "
        "for chance."
    )
