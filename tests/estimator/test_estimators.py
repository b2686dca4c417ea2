"""What the estimators do with data, and what a fitted one holds."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import optuna
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.metrics import get_scorer
from sklearn.model_selection import KFold
from sklearn.model_selection import ShuffleSplit
import torch
from torch import nn

from optuna_nas import NASClassifier
from optuna_nas import NASRegressor
from optuna_nas import spaces
from tests.estimator.tables import CHEAP
from tests.estimator.tables import numbers
from tests.estimator.tables import people
from tests.estimator.tables import two_classes


@pytest.mark.parametrize(
    "labels",
    [
        np.array(["no", "yes"]),
        np.array(["no", "yes"], object),
        np.array([False, True]),
        np.array([-7, 100]),
        pd.Series(["no", "yes"], dtype="string").to_numpy(),
    ],
)
def test_labels_of_any_type_come_back(labels: Any) -> None:
    x, y = two_classes()
    classifier = NASClassifier(**CHEAP).fit(x, labels[y])
    assert classifier.classes_.tolist() == sorted(labels.tolist())
    assert classifier.score(x, labels[y]) > 0.8
    assert classifier.predict_proba(x).shape == (80, 2)


def test_a_series_of_labels_and_three_classes_are_welcome() -> None:
    x, _ = two_classes()
    y = pd.Series(np.array(["a", "b", "c"])[np.digitize(x[:, 0], [-0.5, 0.5])], name="letter")
    classifier = NASClassifier(**CHEAP).fit(x, y)
    assert classifier.score(x, y) > 0.6
    assert np.allclose(classifier.predict_proba(x).sum(1), 1)


@pytest.mark.parametrize("outputs", [1, 2, 3])
def test_a_regression_predicts_one_number_or_several(outputs: int) -> None:
    x, y = numbers(outputs=outputs)
    regressor = NASRegressor(**{**CHEAP, "epochs": 20}).fit(x, y)
    assert regressor.predict(x).shape == y.shape
    assert regressor.score(x, y) > 0.6


@pytest.mark.parametrize("space", ["tabular", "mlp"])
def test_a_table_with_columns_of_all_kinds_and_missing_cells_is_learned(space: str) -> None:
    x, y = people(120)
    classifier = NASClassifier(space=space, n_trials=1, epochs=12, random_state=0).fit(x, y)
    assert classifier.feature_names_in_.tolist() == list(x.columns)
    assert classifier.n_features_in_ == 6
    assert classifier.score(x, y) > 0.8
    unseen = x.head(4).assign(city=["Lima", None, "Rome", "Oslo"])
    assert np.isfinite(classifier.predict_proba(unseen)).all()


def test_the_first_trial_is_the_network_made_by_hand() -> None:
    x, y = two_classes()
    classifier = NASClassifier(n_trials=1, epochs=1, random_state=0).fit(x, y)
    first, *_ = classifier.study_.trials
    made = spaces.Tabular(4, [], 2).default_params()
    assert first.user_attrs["origin"] == "default"
    assert {name: first.params[name] for name in made} == made
    assert first.params["lr"] == pytest.approx(3e-3)


def test_what_a_search_found_is_in_the_attributes() -> None:
    x, y = two_classes()
    classifier = NASClassifier(**{**CHEAP, "n_trials": 4}).fit(x, y)
    study = classifier.study_
    assert classifier.best_score_ == study.best_value >= study.trials[0].value
    assert classifier.best_params_ == study.best_params
    assert [row["number"] for row in classifier.history_] == [0, 1, 2, 3]
    assert classifier.history_[0]["score"] == study.trials[0].value
    assert isinstance(classifier.best_model_, nn.Module)
    assert not classifier.best_model_.training
    assert classifier.pareto_front_[0].value == classifier.best_score_


def test_objectives_besides_the_score_make_a_front() -> None:
    x, y = two_classes()
    objectives = ("score", "parameters", "flops", "latency")
    classifier = NASClassifier(**{**CHEAP, "objectives": objectives}).fit(x, y)
    assert [d.name for d in classifier.study_.directions] == ["MAXIMIZE", *["MINIMIZE"] * 3]
    front = classifier.pareto_front_
    assert front[0].values[0] == classifier.best_score_
    assert all(len(trial.values) == 4 for trial in front)


def test_with_folds_the_score_is_their_mean_and_nothing_is_pruned() -> None:
    x, y = two_classes()
    classifier = NASClassifier(**{**CHEAP, "cv": KFold(4, shuffle=True, random_state=0)})
    classifier.fit(x, y)
    for trial in classifier.study_.trials:
        assert len(trial.user_attrs["scores"]) == 4
        assert trial.value == pytest.approx(np.mean(trial.user_attrs["scores"]))
        assert not trial.intermediate_values


def test_without_refit_the_network_that_was_scored_predicts() -> None:
    x, y = two_classes()
    split = ShuffleSplit(1, test_size=0.25, random_state=0)
    classifier = NASClassifier(**{**CHEAP, "cv": split, "refit": False}).fit(x, y)
    _, held_out = next(split.split(x))
    assert classifier.score(x[held_out], y[held_out]) == classifier.best_score_


def test_without_refit_and_with_folds_the_mean_of_their_networks_predicts() -> None:
    x, y = two_classes()
    classifier = NASClassifier(**{**CHEAP, "cv": 3, "refit": False}).fit(x, y)
    members = classifier.best_model_.members
    rows = torch.from_numpy((x - x.mean(0)) / x.std(0))
    with torch.no_grad():
        means = torch.stack([m.double()(rows).softmax(1) for m in members]).mean(0)
    assert np.allclose(classifier.predict_proba(x), means.numpy(), atol=1e-6)


@pytest.mark.parametrize("scoring", ["roc_auc", "neg_log_loss", "f1", "balanced_accuracy"])
def test_any_scorer_of_scikit_learn_scores(scoring: str) -> None:
    x, y = two_classes()
    arguments = {**CHEAP, "n_trials": 1, "scoring": scoring, "refit": False}
    split = ShuffleSplit(1, test_size=0.25, random_state=0)
    classifier = NASClassifier(**arguments, cv=split).fit(x, y)
    _, held_out = next(split.split(x))
    again = get_scorer(scoring)(classifier, x[held_out], y[held_out])
    assert classifier.best_score_ == pytest.approx(again, abs=1e-5)


def test_a_scorer_of_ones_own_scores_a_regression() -> None:
    x, y = numbers()

    def half_right(estimator: Any, x: Any, y: Any) -> float:
        return float(np.mean(np.abs(estimator.predict(x) - y) < 1))

    regressor = NASRegressor(**{**CHEAP, "scoring": half_right}).fit(x, y)
    assert 0 <= regressor.best_score_ <= 1


def test_rows_that_weigh_nothing_are_as_if_they_were_not_there() -> None:
    x, y = two_classes()
    weights = np.where(np.arange(80) < 60, 1.0, 0.0)
    some = NASClassifier(**CHEAP).fit(x, y, sample_weight=weights)
    fewer = NASClassifier(**CHEAP).fit(x[:60], y[:60])
    assert np.array_equal(some.predict_proba(x), fewer.predict_proba(x))


@pytest.mark.parametrize("space", ["mlp", "tabular"])
def test_heavier_rows_count_for_more(space: str) -> None:
    x, _ = two_classes()
    x, y = np.repeat(x[:40], 2, axis=0), np.tile([0, 1], 40)
    arguments = {**CHEAP, "space": space, "n_trials": 1, "epochs": 12}
    heavy = NASClassifier(**arguments).fit(x, y, sample_weight=1 + 9.0 * y)
    assert heavy.predict_proba(x)[:, 1].mean() > 0.7
    balanced = NASClassifier(**arguments, class_weight={0: 10, 1: 1}).fit(x, y)
    assert balanced.predict_proba(x)[:, 1].mean() < 0.3


def test_weights_of_a_regression_draw_its_predictions() -> None:
    x, _ = numbers()
    x, y = np.repeat(x[:40], 2, axis=0), np.tile([0.0, 1.0], 40)
    regressor = NASRegressor(**{**CHEAP, "n_trials": 1})
    assert regressor.fit(x, y, sample_weight=1 + 9 * y).predict(x).mean() > 0.7


def test_the_same_seed_gives_the_same_estimator_and_leaves_other_generators_alone() -> None:
    x, y = two_classes()
    np.random.seed(0)
    torch.manual_seed(0)
    expected = np.random.rand(), float(torch.rand(()))
    np.random.seed(0)
    torch.manual_seed(0)
    torch.set_num_threads(2)
    threads, verbosity = torch.get_num_threads(), optuna.logging.get_verbosity()
    first = NASClassifier(**{**CHEAP, "space": "tabular"}).fit(x, y)
    NASClassifier(**{**CHEAP, "random_state": None, "n_trials": 1}).fit(x, y)
    assert (np.random.rand(), float(torch.rand(()))) == expected
    assert torch.get_num_threads() == threads
    assert optuna.logging.get_verbosity() == verbosity
    second = clone(first).fit(x, y)
    assert np.array_equal(first.predict_proba(x), second.predict_proba(x))
    assert first.best_params_ == second.best_params_


def test_a_random_state_gives_one_seed_after_the_other() -> None:
    x, y = two_classes()
    seeds = [
        NASClassifier(**{**CHEAP, "random_state": state, "n_trials": 1}).fit(x, y)._settings.seed
        for state in [np.random.RandomState(0)] * 2
    ]
    assert seeds[0] != seeds[1]


def test_a_pickled_estimator_predicts_the_same() -> None:
    x, y = people()
    classifier = NASClassifier(**CHEAP).fit(x, y)
    again = pickle.loads(pickle.dumps(classifier))
    assert np.array_equal(again.predict_proba(x), classifier.predict_proba(x))
    assert len(again.study_.trials) == 2


class Linear:
    """A search space of one's own, with a hand-made network."""

    def default_params(self) -> dict[str, Any]:
        return {"bias": True}

    def __call__(self, trial: Any) -> nn.Module:
        return nn.Linear(4, 2, bias=trial.suggest_categorical("bias", [True, False]))


def test_a_function_of_a_trial_is_a_space() -> None:
    x, y = two_classes()
    classifier = NASClassifier(**{**CHEAP, "space": Linear()}).fit(x, y)
    assert classifier.study_.trials[0].params["bias"] is True
    assert isinstance(classifier.best_model_, nn.Linear)
    assert clone(classifier).fit(x, y).score(x, y) == classifier.score(x, y)


def test_the_sampler_given_is_not_changed_by_fit() -> None:
    x, y = two_classes()
    sampler = optuna.samplers.RandomSampler(seed=0)
    arguments = {**CHEAP, "sampler": sampler, "pruner": optuna.pruners.NopPruner()}
    first, second = (NASClassifier(**arguments).fit(x, y) for _ in range(2))
    assert first.history_[1]["params"] == second.history_[1]["params"]


def test_nothing_is_printed_unless_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    x, y = two_classes()
    NASClassifier(**CHEAP).fit(x, y)
    assert capsys.readouterr() == ("", "")
    NASClassifier(**CHEAP, verbose=1).fit(x, y)
    out, err = capsys.readouterr()
    assert out == ""
    assert "X is a table, 80 x 4: space 'mlp'" in err
    assert "2/2" in err


def test_a_row_is_predicted_alike_alone_and_among_others() -> None:
    x, y = two_classes()
    classifier = NASClassifier(**{**CHEAP, "space": "tabular"}).fit(x, y)
    alone = np.concatenate([classifier.predict_proba(x[i : i + 1]) for i in range(20)])
    assert np.allclose(alone, classifier.predict_proba(x)[:20], rtol=0, atol=1e-12)
