"""Ensembles of the best networks."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from optuna_nas import NASClassifier
from optuna_nas import NASRegressor
from optuna_nas._estimator._averaged import Averaged
from optuna_nas._estimator._candidate import Candidate
from optuna_nas._estimator._candidate import Kept
from optuna_nas._estimator._candidate import Trained
from optuna_nas._estimator._ensemble import Selection
from optuna_nas._estimator._scoring import Scoring
from optuna_nas._estimator._targets import numbers_of
from tests.estimator.tables import CHEAP
from tests.estimator.tables import numbers
from tests.estimator.tables import two_classes


def candidate(number: int, score: float, outputs: torch.Tensor | None = None) -> Candidate:
    said = torch.zeros(2, 1) if outputs is None else outputs
    return Candidate(number, score, (Trained(score, {}, said, 1, 1),))


def test_the_best_are_kept_and_of_equal_ones_the_earlier() -> None:
    kept = Kept(2)
    for number, score in enumerate([0.5, 0.7, 0.7, 0.6]):
        kept.add(candidate(number, score))
    assert [c.number for c in kept.candidates] == [1, 2]


def test_the_mean_of_probabilities_comes_as_logits() -> None:
    first, second = nn.Linear(3, 2), nn.Linear(3, 2)
    x = torch.randn(5, 3)
    averaged = Averaged([first, second], [0.25, 0.75], classes=True)
    expected = 0.25 * first(x).softmax(1) + 0.75 * second(x).softmax(1)
    assert torch.allclose(averaged(x).softmax(1), expected)
    assert torch.allclose(Averaged([first, second], classes=False)(x), (first(x) + second(x)) / 2)


def selection(*errors: np.ndarray) -> Selection:
    y = np.linspace(-1, 1, 40)
    targets = numbers_of(y)
    said = [targets.encode(y + error) for error in errors]
    scored = [candidate(i, 0.0, outputs) for i, outputs in enumerate(said)]
    scoring = Scoring(None, np.zeros((40, 1)), y, None, targets)
    return Selection(scored, [(np.arange(0), np.arange(40))], scoring)


def test_candidates_whose_errors_cancel_are_chosen_together() -> None:
    error = np.random.default_rng(0).normal(size=40)
    chosen = selection(error, -error, error * 3)
    assert chosen.weights() == [0.5, 0.5, 0.0]
    assert chosen.gain(0) > 0


def test_a_candidate_that_is_right_is_chosen_alone_and_nothing_is_gained() -> None:
    error = np.random.default_rng(0).normal(size=40)
    chosen = selection(np.zeros(40), error)
    assert chosen.weights() == [1.0, 0.0]
    assert chosen.gain(0) == 0


@pytest.mark.parametrize("arguments", [{}, {"refit": False}, {"cv": 2, "refit": False}])
def test_an_ensemble_of_the_best_trials_predicts(arguments: dict[str, object]) -> None:
    x, y = two_classes()
    arguments = {**CHEAP, "n_trials": 4, "pruner": None, "ensemble": 3, **arguments}
    classifier = NASClassifier(**arguments).fit(x, y)
    weights = classifier.ensemble_weights_
    assert sum(weights.values()) == pytest.approx(1)
    assert len(classifier.best_model_.members) == len(weights) <= 3
    assert np.isfinite(classifier.ensemble_gain_)
    assert np.allclose(classifier.predict_proba(x).sum(1), 1)


def test_an_ensemble_of_regressions_averages_their_numbers() -> None:
    x, y = numbers()
    arguments = {**CHEAP, "n_trials": 3, "pruner": None, "ensemble": 3, "epochs": 15}
    assert NASRegressor(**arguments).fit(x, y).score(x, y) > 0.5


def test_an_ensemble_goes_on_after_a_warm_start() -> None:
    x, y = two_classes()
    classifier = NASClassifier(**CHEAP, ensemble=2, warm_start=True).fit(x, y).fit(x, y)
    assert len(classifier.study_.trials) == 4
    assert classifier.predict(x).shape == (80,)
