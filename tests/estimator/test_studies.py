"""Each fit is a study of its own, unless it is to go on; and one fit sees nothing of another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
from sklearn.base import clone
from sklearn.model_selection import cross_val_score
from sklearn.model_selection import KFold

from optuna_nas import NASClassifier
from optuna_nas import NASRegressor
from tests.estimator.tables import CHEAP
from tests.estimator.tables import numbers
from tests.estimator.tables import two_classes


def test_a_second_fit_sees_nothing_of_the_first() -> None:
    first, second = two_classes(seed=0), two_classes(seed=1)
    used = NASClassifier(**CHEAP).fit(*first).fit(*second)
    fresh = NASClassifier(**CHEAP).fit(*second)
    assert len(used.study_.trials) == 2
    assert used.history_[1]["params"] == fresh.history_[1]["params"]
    assert np.array_equal(used.predict_proba(first[0]), fresh.predict_proba(first[0]))


def test_the_folds_of_a_cross_validation_do_not_leak_into_each_other() -> None:
    x, y = two_classes()
    classifier, folds = NASClassifier(**CHEAP), KFold(3)
    alone = [
        clone(classifier).fit(x[train], y[train]).score(x[test], y[test])
        for train, test in folds.split(x)
    ]
    assert cross_val_score(classifier, x, y, cv=folds).tolist() == alone
    in_turn = [
        classifier.fit(x[train], y[train]).score(x[test], y[test])
        for train, test in folds.split(x)
    ]
    assert in_turn == alone


def test_with_a_storage_each_fit_is_a_study_of_a_new_name(tmp_path: Path) -> None:
    x, y = two_classes()
    path = tmp_path / "searches.journal"
    classifier = NASClassifier(**CHEAP, storage=path)
    names = [classifier.fit(x, y).study_.study_name for _ in range(2)]
    assert sorted(optuna.get_all_study_names(classifier.study_._storage)) == sorted(names)
    assert len(set(names)) == 2
    assert all(name.startswith("NASClassifier-") for name in names)
    assert len(classifier.study_.trials) == 2


def test_a_warm_start_goes_on_with_the_study_and_never_gets_worse() -> None:
    x, y = two_classes()
    classifier = NASClassifier(**CHEAP, warm_start=True).fit(x, y)
    study, score = classifier.study_, classifier.best_score_
    classifier.fit(x, y)
    assert classifier.study_ is study
    assert len(study.trials) == 4
    assert classifier.best_score_ >= score
    assert [trial.user_attrs.get("origin") for trial in study.trials] == [
        "default",
        "portfolio",
        None,
        None,
    ]


@pytest.mark.parametrize(
    ("rows", "labels", "said"),
    [
        (70, [0, 1], r"X has shape \(70, 4\), but the study that warm_start=True.*\(80, 4\)"),
        (80, ["a", "b"], r"y has the classes \['a', 'b'\].*begun with \[0, 1\]"),
    ],
)
def test_a_warm_start_with_other_data_is_refused(rows: int, labels: Any, said: str) -> None:
    x, y = two_classes()
    classifier = NASClassifier(**CHEAP, warm_start=True).fit(x, y)
    with pytest.raises(ValueError, match=said):
        classifier.fit(x[:rows], np.array(labels)[y[:rows]])


def test_a_warm_start_with_other_columns_is_refused() -> None:
    x, y = numbers()
    regressor = NASRegressor(**CHEAP, warm_start=True).fit(x, y)
    with pytest.raises(ValueError, match=r"X has shape \(80, 2\).*begun with \(80, 4\)"):
        regressor.fit(x[:, :2], y)
