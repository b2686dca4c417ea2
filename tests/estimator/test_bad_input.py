"""What is wrong with arguments and data is said before any work."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score

from optuna_nas import NASClassifier
from optuna_nas import NASRegressor
from tests.estimator.tables import CHEAP
from tests.estimator.tables import numbers
from tests.estimator.tables import people
from tests.estimator.tables import two_classes


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"space": "tabula"}, r"space must be one of 'auto'.*is 'tabula'. Did you mean 'tabular'"),
        ({"space": "cnn"}, r"space='cnn' is not for a table.*'tabular', 'mlp'"),
        ({"n_trials": 0}, r"n_trials must be an int of at least 1, or None, but got 0"),
        ({"epochs": 1.5}, r"epochs must be an int of at least 1, but got 1.5"),
        ({"ensemble": 0}, r"ensemble must be an int of at least 1, but got 0"),
        ({"verbose": -1}, r"verbose must be an int of at least 0, but got -1"),
        ({"timeout": -1}, r"timeout must be a finite number above 0 seconds, or None, but got -1"),
        ({"timeout": "60"}, r"timeout must be a finite number above 0 seconds, or None.* '60'"),
        ({"n_jobs": 0}, r"n_jobs must be None, an int of at least 1, or one below 0.*but is 0"),
        ({"n_jobs": 2, "storage": "sqlite://"}, r"n_jobs=2 needs a storage that processes share"),
        ({"n_jobs": 1.5}, r"n_jobs must be None, an int of at least 1, or one below 0.*is 1.5"),
        ({"objectives": ("latency",)}, r"objectives must be 'score' first"),
        ({"objectives": ("score", "flop")}, r"'flop'\). Did you mean 'flops'"),
        ({"cv": 1.5}, r"cv must be a share to hold out, between 0 and 1.*is 1.5"),
        ({"cv": "five"}, r"cv"),
        ({"scoring": "acuracy"}, r"scoring must be .*'acuracy'. Did you mean 'accuracy'"),
        ({"scoring": accuracy_score}, r"looks like it is a metric function rather than a scorer"),
        ({"device": "gpu"}, r"device must be one of"),
        ({"sampler": "tp"}, r"sampler must be one of"),
        ({"pruner": "halving"}, r"pruner must be one of"),
        ({"storage": "study.txt"}, r"storage must be"),
    ],
)
def test_an_illegal_argument_is_named_with_what_is_legal(
    arguments: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        NASClassifier(**{**CHEAP, **arguments}).fit(*two_classes())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda x: x.drop(columns="city"), r"seen at fit time, yet now missing:\n- city"),
        (lambda x: x.assign(more=1), r"unseen at fit time:\n- more"),
        (lambda x: x[list(x.columns)[::-1]], r"must be in the same order"),
        (lambda x: x.assign(age="old"), r"column 'age' of X held a number.*first cell is 'old'"),
        (lambda x: x.assign(since=1.0), r"column 'since' of X held a time.*holds a number"),
        (lambda x: x.assign(age=np.inf), r"contains infinity, in column 'age'.*row 0"),
    ],
)
def test_columns_that_are_not_those_of_fit_are_named(
    change: Callable[[pd.DataFrame], pd.DataFrame], said: str
) -> None:
    x, y = people(30)
    classifier = NASClassifier(**{**CHEAP, "n_trials": 1}).fit(x, y)
    with pytest.raises(ValueError, match=said):
        classifier.predict(change(x))


@pytest.mark.parametrize(
    ("x", "y", "said"),
    [
        (
            pd.DataFrame([[1, 2]] * 4, columns=["a", "a"]),
            [0, 1, 0, 1],
            r"X has several columns of one name: 'a'",
        ),
        (pd.DataFrame(index=range(4)), [0, 1, 0, 1], r"X has no columns"),
        (pd.DataFrame({"a": []}), [], r"0 sample|no rows"),
        (pd.DataFrame({"a": [1, 2]}), [0, 1], r"n_samples = 2, too few.*at least 4|2 classes in"),
        (np.eye(4), [1, 1, 1, 1], r"y has one class only \(1\)"),
        (np.eye(4), [1, 2, 3, 4], r"y has 4 classes in 4 rows.*NASRegressor"),
        (np.eye(4), [0.5, 1.5, 2.5, 0.1], r"Unknown label type: continuous"),
        (np.eye(4), [0, 1, 0], r"inconsistent numbers of samples"),
        (np.full((4, 2), np.inf), [0, 1, 0, 1], r"contains infinity"),
        (np.zeros((4, 3, 8, 8)), [0, 1, 0, 1], r"channels first.*transpose\(0, 2, 3, 1\)"),
        (np.zeros((4, 3, 3, 3, 3)), [0, 1, 0, 1], r"X must be a table \[n, columns\], images"),
        (np.full((4, 5, 5), np.nan), [0, 1, 0, 1], r"must hold numbers, none of them NaN"),
        (
            np.eye(4),
            ["a", None, "b", "a"],
            r"NaN: there is no label in row 1, but None",
        ),
        (np.eye(4), pd.Series(["a", pd.NA, "b", "a"]), r"there is no label in row 1, but"),
        (np.eye(4), np.array(["a", 1, "b", 2], object), r"sorted, but holds int and str"),
        (pd.DataFrame({"a": [1j, 2, 3, 4]}), [0, 1, 0, 1], r"Complex data.*column 'a' of X"),
    ],
)
def test_data_that_nothing_can_be_learned_from_are_refused(x: Any, y: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        NASClassifier(**{**CHEAP, "space": "auto"}).fit(x, y)


def test_a_target_that_is_a_column_of_x_is_refused() -> None:
    x, _ = people()
    with pytest.raises(ValueError, match=r"the target 'city' is a column of X too.*drop\(columns"):
        NASClassifier(**CHEAP).fit(x, x["city"])


def test_a_target_among_several_that_is_a_column_of_x_is_refused() -> None:
    x = pd.DataFrame(np.random.default_rng(0).normal(size=(20, 3)), columns=list("abc"))
    with pytest.raises(ValueError, match=r"the target 'c' is a column of X too"):
        NASRegressor(**CHEAP).fit(x, x[["c"]].assign(d=1.0))


@pytest.mark.parametrize(
    ("scoring", "said"),
    [
        ("roc_auc", r"scoring=make_scorer\(roc_auc_score.* cannot score y: multi_class must"),
        ("r2", r"scoring=make_scorer\(r2_score.* cannot score y: could not convert string"),
    ],
)
def test_a_scorer_for_other_targets_is_named(scoring: str, said: str) -> None:
    x, _ = two_classes(60)
    with pytest.raises(ValueError, match=said):
        NASClassifier(**{**CHEAP, "scoring": scoring}).fit(x, ["a", "b", "c"] * 20)


@pytest.mark.parametrize("bad", [np.inf, np.nan])
def test_a_number_to_predict_that_is_not_finite_is_refused(bad: float) -> None:
    x, y = numbers()
    y[3] = bad
    with pytest.raises(ValueError, match=r"Input y contains (infinity|NaN)"):
        NASRegressor(**CHEAP).fit(x, y)


def test_a_constant_target_of_a_regression_is_refused() -> None:
    with pytest.raises(ValueError, match=r"y is 3.0 in every row, so there is nothing to learn"):
        NASRegressor(**CHEAP).fit(np.eye(5), np.full(5, 3.0))


def test_texts_as_numbers_to_predict_are_refused() -> None:
    with pytest.raises(
        ValueError,
        match=r"y must hold numbers, \[n\] or \[n, outputs\], but is <U1.*NASClassifier",
    ):
        NASRegressor(**CHEAP).fit(np.eye(5), list("abcde"))


def test_weights_that_are_negative_or_all_zero_are_refused() -> None:
    x, y = numbers()
    with pytest.raises(ValueError, match=r"Negative values in data passed to `sample_weight`"):
        NASRegressor(**CHEAP).fit(x, y, np.full(len(y), -1.0))
    with pytest.raises(ValueError, match=r"sample_weight is zero in each row|zero"):
        NASRegressor(**CHEAP).fit(x, y, np.zeros(len(y)))


def test_a_space_in_which_no_network_can_be_built_is_told_with_the_reason() -> None:
    def broken(trial: Any) -> Any:
        raise ValueError("no such layer")

    with pytest.raises(ValueError, match=r"no such layer"):
        NASClassifier(**{**CHEAP, "space": broken}).fit(*two_classes())
