"""scikit-learn's own checks of an estimator."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sklearn
from sklearn.base import clone
from sklearn.model_selection import cross_validate
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from optuna_nas import NASClassifier
from optuna_nas import NASRegressor
from tests.estimator.tables import people
from tests.estimator.tables import two_classes


CHEAP = {"space": "mlp", "n_trials": 1, "epochs": 10}
CLASSIFIER = NASClassifier(**CHEAP)
REGRESSOR = NASRegressor(**CHEAP)
REASON = (
    "a row of weight 2 is in one batch, the same row twice in two: no network trained on batches "
    "is equal to 1e-7 with the one and the other"
)
EXPECTED = {
    "check_sample_weight_equivalence_on_dense_data": REASON,
    "check_sample_weight_equivalence_on_sparse_data": REASON,
}


@parametrize_with_checks([CLASSIFIER, REGRESSOR], expected_failed_checks=lambda _: EXPECTED)
def test_a_check_of_scikit_learn_passes(estimator: Any, check: Any) -> None:
    check(estimator)


@pytest.mark.parametrize("estimator", [CLASSIFIER, REGRESSOR])
def test_each_argument_is_documented(estimator: Any) -> None:
    doc = type(estimator).__doc__
    assert all(f"\n        {name}:\n" in doc for name in estimator.get_params())


def test_it_is_a_step_of_a_pipeline_and_a_grid_search_tunes_it() -> None:
    x, y = two_classes(60)
    pipeline = make_pipeline(StandardScaler(), clone(CLASSIFIER))
    pipeline.set_output(transform="pandas")
    grid = GridSearchCV(pipeline, {"nasclassifier__epochs": [1, 3]}, cv=2).fit(x, y)
    assert grid.best_estimator_[-1].feature_names_in_.tolist() == ["x0", "x1", "x2", "x3"]
    assert grid.best_score_ > 0.5


def test_weights_are_routed_to_it() -> None:
    x, y = two_classes(60)
    with sklearn.config_context(enable_metadata_routing=True):
        classifier = clone(CLASSIFIER).set_fit_request(sample_weight=True)
        classifier.set_score_request(sample_weight=True)
        weights = np.where(y == 1, 50.0, 1.0)
        found = cross_validate(
            classifier,
            x,
            y,
            cv=2,
            params={"sample_weight": weights},
            return_estimator=True,
        )
    assert all(fitted._settings.weighted for fitted in found["estimator"])


def test_it_is_shown_in_a_notebook_with_its_parameters() -> None:
    x, y = people(30)
    classifier = clone(CLASSIFIER).set_params(epochs=1)
    assert "NASClassifier" in classifier._repr_html_()
    assert "epochs" in classifier.fit(x, y)._repr_html_()
