from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import optuna
from optuna.samplers import BaseSampler
from optuna.samplers import RandomSampler
from optuna.samplers import TPESampler
import pytest

from optuna_nas.visualization import plot_importance
from optuna_nas.visualization._functional_anova import _draws
from optuna_nas.visualization._functional_anova import importances
from tests.visualization.trials import study_of
from tests.visualization.trials import trial_of


TRUTH = {"big": 18.0, "small": 2.0, "depth": 4.0, "extra": 4 / 3, "noise": 0.0}
"""The variance that each decision of ``known`` explains over the space."""


def known(trial: optuna.Trial) -> float:
    """A function whose importances are known; ``extra`` is asked only of the deep."""
    value = 3 * trial.suggest_int("big", 0, 4) + trial.suggest_int("small", 0, 4)
    if trial.suggest_int("depth", 1, 2) == 2:
        value += 2 + 2 * trial.suggest_int("extra", 0, 2)
    trial.suggest_categorical("noise", ["a", "b", "c"])
    return float(value)


def searched(sampler: BaseSampler, trials: int, objective: Callable[..., float] = known) -> Any:
    study = optuna.create_study(direction="maximize", sampler=sampler)
    study.optimize(objective, n_trials=trials)
    return study


def shares(study: optuna.Study) -> dict[str, float]:
    values = np.array([trial.value for trial in study.trials])
    found = importances(study.trials, values, seed=0)
    return dict(zip(found.names, np.median(found.shares, axis=0), strict=True))


def test_of_a_known_function_the_shares_are_those_over_the_space() -> None:
    found = shares(searched(RandomSampler(seed=0), 300))
    total = sum(TRUTH.values())
    for name, variance in TRUTH.items():
        assert found[name] == pytest.approx(variance / total, abs=0.05), name


def test_a_sampler_that_tries_mostly_one_kind_does_not_mislead() -> None:
    study = searched(TPESampler(seed=0), 100)
    concentrated = np.mean([trial.params["big"] == 4 for trial in study.trials])
    assert concentrated > 0.4  # of five values
    found = shares(study)
    assert sorted(found, key=found.__getitem__)[::-1][:2] == ["big", "depth"]
    assert found["big"] > 0.5
    # Optuna's default finds the small one as important.
    theirs = optuna.importance.get_param_importances(study)
    assert theirs["small"] > 0.5 * theirs["big"]


def test_what_decisions_do_only_together_is_apart() -> None:
    def exclusive(trial: optuna.Trial) -> float:
        return float(trial.suggest_int("a", 0, 1) ^ trial.suggest_int("b", 0, 1))

    figure = plot_importance(searched(RandomSampler(seed=0), 200, exclusive))
    bars = dict(zip(figure.layout.yaxis.ticktext, figure.data[0].x, strict=True))
    assert bars["several together"] > 0.9
    assert bars["a"] + bars["b"] < 0.1


def test_draws_are_asked_what_the_network_would_ask() -> None:
    study = searched(RandomSampler(seed=0), 60)
    distributions = {n: d for trial in study.trials for n, d in trial.distributions.items()}
    drawn = _draws(study.trials, distributions, seed=0)
    assert all(("extra" in one) == (one["depth"] == 2) for one in drawn)
    for name in ("big", "extra"):
        values = [one[name] for one in drawn if name in one]
        counts = np.unique(values, return_counts=True)[1] / len(values)
        assert counts == pytest.approx(1 / len(counts), abs=0.05)


def test_a_bar_has_an_interval_and_says_which_values_were_tried() -> None:
    trials = [
        trial_of(float(i % 2), {"op": ["conv", "pool"][i % 2], "width": 1 + i % 4})
        for i in range(40)
    ]
    figure = plot_importance(study_of(trials, names=["accuracy"]))
    bars = figure.data[0]
    assert figure.layout.yaxis.ticktext == ("op", "width", "several together")
    assert "2 of 3 levels tried" in bars.hovertext[0]
    assert all(value >= 0 for value in bars.error_x.arrayminus)
    assert figure.layout.title.text.startswith("Which decisions matter for accuracy<br>40 trials")


def test_a_forest_that_learned_nothing_says_so() -> None:
    rng = np.random.default_rng(0)
    trials = [
        trial_of(rng.normal(), {"op": "conv", "width": int(rng.integers(1, 5))}) for _ in range(20)
    ]
    assert "read nothing from this" in plot_importance(study_of(trials)).layout.title.text


def test_the_same_seed_gives_the_same_figure() -> None:
    study = searched(RandomSampler(seed=0), 10)
    assert plot_importance(study, seed=1) == plot_importance(study, seed=1)
    assert plot_importance(study, seed=1) != plot_importance(study, seed=2)


@pytest.mark.parametrize(
    ("trials", "text"),
    [
        ([], r"It takes 8 complete trials; there are 0."),
        ([trial_of(1.0)] * 7 + [trial_of()] * 5, r"It takes 8 complete trials; there are 7."),
        ([trial_of(1.0)] * 8, r"All trials have the same value."),
        (
            [trial_of(float(i), {}) for i in range(8)],
            r"The trials were asked no decision with a choice.",
        ),
    ],
)
def test_what_nothing_can_be_said_of_is_said_to_be_so(trials: list[Any], text: str) -> None:
    figure = plot_importance(study_of(trials))
    assert not figure.data
    assert figure.layout.annotations[0].text == text


def test_values_that_are_not_finite_are_left_out() -> None:
    trials = [trial_of(float(i), {"width": 1 + i % 4}) for i in range(9)]
    figure = plot_importance(study_of([*trials, trial_of(float("inf"))]))
    assert "9 trials" in figure.layout.title.text


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"objective": 1}, r"objective must be at least 0 and below 1.*study 'one', but is 1"),
        ({"objective": -1}, r"objective must be at least 0 and below 1.*study 'one', but is -1"),
        ({"seed": -1}, r"seed must be an int of at least 0, or None, but got -1"),
    ],
)
def test_what_cannot_be_drawn_is_refused(options: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        plot_importance(study_of([], study_name="one"), **options)
