"""Columns of arrays and DataFrames: what they hold, and how it is read."""

from __future__ import annotations

from datetime import datetime
from datetime import timedelta
from datetime import timezone
from typing import Any

import numpy as np
import pandas as pd
import pytest

from optuna_nas._estimator._columns import CATEGORY
from optuna_nas._estimator._columns import Column
from optuna_nas._estimator._columns import DURATION
from optuna_nas._estimator._columns import kind_of
from optuna_nas._estimator._columns import NUMBER
from optuna_nas._estimator._columns import read
from optuna_nas._estimator._columns import read_columns
from optuna_nas._estimator._columns import TIME


def of(series: Any) -> Column:
    return read_columns(pd.DataFrame({"c": series}))[0]


@pytest.mark.parametrize(
    ("series", "kind"),
    [
        (pd.Series([1, 2]), NUMBER),
        (pd.Series([1.5, None]), NUMBER),
        (pd.Series([True, False]), NUMBER),
        (pd.Series([True, None], dtype="boolean"), NUMBER),
        (pd.Series([1, None], dtype="Int64"), NUMBER),
        (pd.Series([1, 2.5], dtype=object), NUMBER),
        (pd.Series([None, None], dtype=object), NUMBER),
        (pd.Series(pd.to_timedelta([1, 2], "h")), DURATION),
        (pd.Series([timedelta(hours=1), None, np.timedelta64(1, "h")], dtype=object), DURATION),
        (pd.Series(["1", "2"]), CATEGORY),
        (pd.Series(["a", 1], dtype=object), CATEGORY),
        (pd.Series([1, 2], dtype="category"), CATEGORY),
        (pd.Series(pd.to_datetime(["2020-01-01", None])), TIME),
        (pd.Series(pd.to_datetime(["2020-01-01"]).tz_localize("UTC")), TIME),
        (pd.Series([datetime(2020, 1, 1, tzinfo=timezone.utc)], dtype=object), TIME),
    ],
)
def test_the_kind_of_a_column_follows_from_its_dtype_or_its_cells(series: Any, kind: str) -> None:
    assert kind_of(of(series)) == kind


def test_a_time_is_its_year_month_day_and_hour_and_which_weekday_it_is() -> None:
    times = pd.Series(pd.date_range("1969-03-01 05:30", periods=400, freq="37h"))
    weekdays = np.eye(7)[times.dt.day_of_week]
    numbers = [times.dt.year, times.dt.month, times.dt.day, times.dt.hour]
    expected = np.column_stack([*numbers, weekdays])
    assert np.array_equal(read(of(times), TIME), expected)
    assert np.isnan(read(of(pd.Series([pd.NaT, times[0]])), TIME)[0]).all()


def test_a_time_with_a_zone_is_read_as_its_clock_shows_it_in_utc() -> None:
    times = pd.Series(pd.to_datetime(["2020-01-01 09:00"]).tz_localize("Europe/Berlin"))
    assert read(of(times), TIME)[0, 3] in (8.0, 9.0)


def test_a_duration_is_its_seconds() -> None:
    cells = [timedelta(minutes=1), None, np.timedelta64(2, "m"), pd.Timedelta("3min")]
    expected = [60.0, np.nan, 120.0, 180.0]
    for series in (pd.Series(cells, dtype=object), pd.Series(pd.to_timedelta(cells))):
        assert np.array_equal(read(of(series), DURATION)[:, 0], expected, equal_nan=True)
    with pytest.raises(ValueError, match=r"held a duration in each row in fit.*holds a number"):
        read(of(pd.Series([60.0])), DURATION)


def test_missing_cells_of_all_sorts_are_nan() -> None:
    cells = pd.Series([None, np.nan, pd.NA, 1], dtype=object)
    assert np.array_equal(read(of(cells), NUMBER)[:, 0], [np.nan, np.nan, np.nan, 1], True)
    *missing, present = read(of(cells), CATEGORY)[:, 0]
    assert present == "1"
    assert np.isnan(np.array(missing, float)).all()


def test_an_array_of_strings_has_categories_and_one_of_objects_either() -> None:
    assert [kind_of(c) for c in read_columns(np.array([["a", "1"]]))] == [CATEGORY, CATEGORY]
    assert [kind_of(c) for c in read_columns(np.array([["a", 1]], object))] == [CATEGORY, NUMBER]


def test_a_cell_that_is_no_value_is_refused() -> None:
    with pytest.raises(TypeError, match=r"string or a number: column 'c' of X holds \{'a': 1\}"):
        read(of(pd.Series([{"a": 1}, "b"])), CATEGORY)
