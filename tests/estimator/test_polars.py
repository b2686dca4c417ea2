"""DataFrames of polars, as those of pandas. Skipped where there is no polars."""

from __future__ import annotations

from datetime import datetime
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import optuna_nas
from optuna_nas import NASClassifier
from optuna_nas import NASRegressor
from optuna_nas._estimator._columns import CATEGORY
from optuna_nas._estimator._columns import DURATION
from optuna_nas._estimator._columns import kind_of
from optuna_nas._estimator._columns import NUMBER
from optuna_nas._estimator._columns import read_columns
from optuna_nas._estimator._columns import TIME
from optuna_nas._export import load_program
from tests.estimator.tables import CHEAP


pl: Any = pytest.importorskip("polars")


def people(rows: int = 60) -> tuple[Any, Any]:
    """A table with columns of all kinds, some cells missing."""
    rng = np.random.default_rng(0)
    days = [timedelta(days=int(day)) for day in rng.integers(0, 1000, rows)]
    frame = pl.DataFrame(
        {
            "age": rng.normal(40, 10, rows),
            "visits": [None if i % 7 == 0 else i % 4 for i in range(rows)],
            "city": [None if i % 5 == 0 else ("Bern", "Rome")[i % 2] for i in range(rows)],
            "size": pl.Series([("s", "m", "l")[i % 3] for i in range(rows)], dtype=pl.Categorical),
            "code": pl.Series([("a", "b")[i % 2] for i in range(rows)], dtype=pl.Enum(["a", "b"])),
            "member": [None if i % 9 == 0 else bool(i % 2) for i in range(rows)],
            "since": [None if day.days % 8 == 0 else datetime(2020, 1, 1) + day for day in days],
            "took": [None if day.days % 6 == 0 else day for day in days],
            "price": pl.Series([f"{i}.5" for i in range(rows)]).cast(pl.Decimal(10, 2)),
        }
    )
    return frame, pl.Series("bought", [("no", "yes")[i % 2] for i in range(rows)])


def as_pandas(frame: Any) -> pd.DataFrame:
    """Column by column, since polars' own needs pyarrow."""
    return pd.DataFrame({name: frame[name].to_list() for name in frame.columns})


def test_columns_are_of_the_kind_that_their_dtype_says() -> None:
    kinds = [kind_of(column) for column in read_columns(people()[0])]
    texts = [CATEGORY] * 3
    assert kinds == [NUMBER, NUMBER, *texts, NUMBER, TIME, DURATION, NUMBER]


def test_a_classifier_learns_the_same_from_polars_as_from_pandas() -> None:
    x, y = people()
    arguments = {**CHEAP, "space": "tabular", "n_trials": 1}
    ours = NASClassifier(**arguments).fit(x, y)
    other = NASClassifier(**arguments).fit(as_pandas(x), y.to_list())
    assert list(ours.feature_names_in_) == x.columns
    assert list(ours.classes_) == ["no", "yes"]
    expected = other.predict_proba(as_pandas(x))
    assert np.array_equal(ours.predict_proba(x), expected)
    assert np.array_equal(ours.predict_proba(as_pandas(x)), expected)


def test_rows_without_weight_and_folds_are_taken_from_polars_too() -> None:
    x, _ = people()
    weights = np.arange(len(x)) % 3
    regressor = NASRegressor(**{**CHEAP, "cv": 2, "n_trials": 1})
    regressor.fit(x.drop("age"), x["age"], sample_weight=weights)
    assert regressor.predict(x.drop("age").head(3)).shape == (3,)


def test_columns_of_polars_that_are_not_those_of_fit_are_named() -> None:
    x, y = people()
    classifier = NASClassifier(**{**CHEAP, "n_trials": 1}).fit(x, y)
    with pytest.raises(ValueError, match=r"seen at fit time, yet now missing:\n- city"):
        classifier.predict(x.drop("city"))
    with pytest.raises(ValueError, match=r"the target 'age' is a column of X too"):
        NASRegressor(**CHEAP).fit(x, x["age"])


def test_a_lazy_frame_is_refused_with_the_remedy() -> None:
    x, y = people()
    with pytest.raises(TypeError, match=r"is a LazyFrame, which has none before X.collect\(\)"):
        NASClassifier(**CHEAP).fit(x.lazy(), y)


def test_what_learned_from_polars_is_exported_and_reads_polars(tmp_path: Path) -> None:
    x, y = people()
    classifier = NASClassifier(**{**CHEAP, "n_trials": 1}).fit(x, y)
    optuna_nas.export(classifier, tmp_path / "model", example=x)
    program = load_program(tmp_path / "model")
    assert np.allclose(program.predict_proba(x), classifier.predict_proba(x), atol=1e-5)
