"""Data in a few numbers: what each says, and what does not change them."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import optuna
import pytest
from sklearn.datasets import load_digits
import torch

from optuna_nas.study import describe_data
from optuna_nas.study import meta_features
from optuna_nas.study._meta_features import DATA
from optuna_nas.study._meta_features import similarity


def table(rows: int = 300, columns: int = 4, classes: int = 2) -> tuple[Any, Any]:
    """Classes that the first feature tells."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((rows, columns))
    y = np.searchsorted(np.quantile(x[:, 0], np.arange(1, classes) / classes), x[:, 0])
    return x, y


def test_counts_are_logarithms() -> None:
    found = meta_features(*table(rows=200, columns=5, classes=4))
    assert found["rows"] == math.log10(200)
    assert found["features"] == math.log10(5)
    assert found["classes"] == math.log10(4)
    assert (found["axes"], found["regression"]) == (1, 0)
    assert found["class_entropy"] == pytest.approx(1)


def test_images_have_three_axes() -> None:
    x, y = load_digits(return_X_y=True)
    found = meta_features(x.reshape(-1, 1, 8, 8) / 16, y)
    assert (found["axes"], found["features"]) == (3, math.log10(64))
    assert found["one_nn"] > 0.9
    assert found["class_entropy"] > 0.99


def test_regression_has_no_classes_and_a_neighbour_that_tells_nothing_is_worth_0() -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((400, 2))
    told, noise = (meta_features(x, y) for y in (x[:, 0], rng.standard_normal(400)))
    assert (told["regression"], told["classes"], told["class_entropy"]) == (1, 0, 0)
    assert told["one_nn"] > 0.8
    assert noise["one_nn"] == 0


def test_copies_of_one_feature_are_one_component_and_fully_correlated() -> None:
    x = np.arange(50.0)[:, None] * np.tile([1, -1], 5)
    found = meta_features(x, np.arange(50) % 2)
    assert found["mean_correlation"] == pytest.approx(1)
    assert found["pca_share"] == pytest.approx(0.1)


def test_independent_features_all_count() -> None:
    found = meta_features(*table(rows=1000, columns=20))
    assert found["mean_correlation"] < 0.05
    assert found["pca_share"] >= 0.9


def test_one_class_has_less_entropy_the_rarer_the_others_are() -> None:
    x, _ = table(rows=100)
    entropies = [meta_features(x, np.arange(100) < n)["class_entropy"] for n in (50, 10, 1)]
    assert entropies == sorted(entropies, reverse=True)
    assert entropies[0] == pytest.approx(1)


@pytest.mark.parametrize(
    ("x", "y"),
    [
        (np.zeros((1, 3)), [0]),
        (np.zeros((5, 3)), [0, 1, 0, 1, 0]),
        (np.zeros((5, 1)), [0.5] * 5),
        (np.zeros((3, 0)), [0, 1, 0]),
        (np.arange(4.0), [0, 1, 0, 1]),
        (np.random.default_rng(0).standard_normal((40, 3)), np.zeros((40, 2))),
    ],
)
def test_they_are_finite_for_data_that_tell_nothing(x: Any, y: Any) -> None:
    found = meta_features(x, y)
    assert all(map(math.isfinite, found.values()))
    json.dumps(found, allow_nan=False)


def test_of_many_rows_and_columns_some_are_looked_at_and_all_are_counted() -> None:
    x = torch.randn(3000, 1, 20, 20, generator=torch.Generator().manual_seed(0))
    found = meta_features(x, x[:, 0, 0, 0] > 0)
    assert (found["rows"], found["features"]) == (math.log10(3000), math.log10(400))
    assert found == meta_features(x.numpy(), (x[:, 0, 0, 0] > 0).numpy())


def test_equal_data_have_similarity_1_and_it_falls_with_every_difference() -> None:
    one = meta_features(*table())
    assert similarity(one, one) == 1
    alike = similarity(one, meta_features(*table(rows=400)))
    assert 1 > alike > similarity(one, meta_features(*table(rows=400, classes=8))) > 0
    assert similarity({"rows": 2.0}, {"rows": 3.0, "new": 9.0}) == pytest.approx(math.exp(-1))


def test_a_study_keeps_the_description_and_the_newest_counts() -> None:
    study = optuna.create_study()
    describe_data(study, *table(rows=100))
    found = describe_data(study, *table())
    assert study.user_attrs[DATA] == found == meta_features(*table())


def test_bad_data_are_refused() -> None:
    x, y = table(rows=5)
    with pytest.raises(ValueError, match=r"^data: X has 5 rows, but y has 4\.$"):
        meta_features(x, y[:4])
    with pytest.raises(ValueError, match=r"^data: X holds NaN or infinity in 5 of 5 rows; "):
        meta_features(x * np.nan, y)
    with pytest.raises(TypeError, match=r"^data: X holds strings \(the first is .*'a'.*\)\. "):
        meta_features([["a"]], [0])
