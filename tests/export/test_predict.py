"""The ``predict.py`` of an export: from cells to numbers, as the estimators' preparation."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from optuna_nas._estimator._grids import GridInputs
from optuna_nas._estimator._table import TableInputs
from optuna_nas._export import Fitted
from optuna_nas._export._features import features_of
from optuna_nas._export._features import make_features
from optuna_nas._export._predict import cells_of
from optuna_nas._export._predict import read_file
from optuna_nas._export._rows import drawn_rows
from optuna_nas._export._rows import write_rows
from optuna_nas._export._schema import schema_of
from tests.estimator.tables import people


def prepared(inputs: TableInputs, rows) -> torch.Tensor:
    fitted = Fitted(torch.nn.Identity(), inputs, target="y")
    features = make_features("table", features_of(inputs))
    return features(torch.from_numpy(cells_of(rows, schema_of(fitted))))


def schema(frame: pd.DataFrame) -> dict:
    inputs = TableInputs(one_hot=False, seed=0)
    inputs.fit(frame)
    return schema_of(Fitted(torch.nn.Identity(), inputs, target="y"))


def everything() -> pd.DataFrame:
    frame, _ = people(700)
    rng = np.random.default_rng(0)
    frame["tail"] = rng.standard_cauchy(len(frame))
    frame["took"] = pd.to_timedelta(rng.integers(1, 9, len(frame)), "h")
    frame["rare"] = [f"n{i % 400}" for i in range(len(frame))]
    frame["words"] = rng.choice(["nan", "NA", "", "1.0"], len(frame)).astype(object)
    frame["shelf"] = pd.Categorical(rng.choice([1, 2], len(frame)))
    frame["member"] = pd.array(rng.choice([True, False], len(frame)), "boolean")
    frame["zone"] = pd.Timestamp("2021-03-01", tz="Asia/Tokyo") + frame["took"]
    return frame


@pytest.mark.parametrize("one_hot", [False, True])
def test_features_are_those_of_the_preparation_whatever_the_rows_come_as(
    one_hot: bool, tmp_path: Path
) -> None:
    frame = everything()
    inputs = TableInputs(one_hot=one_hot, seed=0)
    inputs.fit(frame)
    later = frame.sample(frac=1, random_state=0).reset_index(drop=True)
    later.loc[::5, "shelf"] = None
    later.loc[::4, "took"] = pd.NaT
    later.loc[::6, "member"] = pd.NA
    later.loc[::3, "rare"] = "never seen"
    expected = inputs.transform(later)
    assert torch.allclose(prepared(inputs, later), expected, atol=1e-6)
    as_dict = {name: later[name] for name in reversed(later.columns)}
    assert torch.allclose(prepared(inputs, as_dict), expected, atol=1e-6)
    path = write_rows(later, inputs, tmp_path)
    assert torch.allclose(prepared(inputs, read_file(path)), expected, atol=1e-6)


def test_drawn_rows_hold_missing_cells_unseen_categories_and_every_kind(tmp_path: Path) -> None:
    inputs = TableInputs(one_hot=False, seed=0)
    inputs.fit(everything())
    rows = drawn_rows(inputs)
    assert pd.isna(rows).any(0).all()
    city = list(inputs.names).index("city")
    assert len({*rows[:, city]} - {"Bern", "Rome", "Oslo", None}) == 1
    path = write_rows(rows, inputs, tmp_path)
    assert torch.allclose(prepared(inputs, read_file(path)), inputs.transform(rows), atol=1e-6)


def test_rows_are_the_x_of_a_file_of_arrays(tmp_path: Path) -> None:
    rows = np.arange(6.0).reshape(2, 3)
    np.savez(tmp_path / "rows.npz", X=rows, y=np.zeros(2))
    assert np.array_equal(read_file(tmp_path / "rows.npz"), rows)
    np.savez(tmp_path / "other.npz", y=rows, z=rows)
    with pytest.raises(ValueError, match=r"other\.npz holds no X, but y, z\.$"):
        read_file(tmp_path / "other.npz")


def test_an_array_is_taken_by_position() -> None:
    x = np.random.default_rng(0).normal(size=(50, 3))
    inputs = TableInputs(one_hot=False, seed=0)
    expected = inputs.fit(x)
    assert torch.allclose(prepared(inputs, x), expected)
    assert torch.allclose(prepared(inputs, pd.DataFrame(x, columns=["r", "q", "p"])), expected)
    with pytest.raises(ValueError, match=r"rows must have the shape \[n, 3\], but have \[50, 2\]"):
        prepared(inputs, x[:, :2])
    with pytest.raises(ValueError, match=r"columns of rows do not fit: the model takes 3 of them"):
        prepared(inputs, pd.DataFrame(x[:, :2]))


def test_columns_are_checked_by_name_and_the_target_may_be_there() -> None:
    frame = pd.DataFrame({"age": [1.0, 2.0], "city": ["a", "b"]})
    said = schema(frame)
    cells = cells_of(frame, said)
    assert np.array_equal(cells_of(frame.assign(y=1)[["y", "city", "age"]], said), cells)
    with pytest.raises(ValueError, match=r"missing 'age'; unknown 'Age'; the model takes"):
        cells_of(frame.rename(columns={"age": "Age"}), said)
    twice = pd.concat([frame, frame["age"]], axis=1)
    with pytest.raises(ValueError, match=r"do not fit: twice 'age'; the model takes"):
        cells_of(twice, said)


@pytest.mark.parametrize(
    ("column", "cell", "told"),
    [
        ("age", "old", r"column 'age' holds numbers, but row 1 has 'old'"),
        ("age", np.inf, r"column 'age' holds an infinity, in row 1"),
        ("age", "1e999", r"column 'age' holds an infinity, in row 1"),
        ("since", "May", r"column 'since' holds times, but row 1 has 'May'"),
        ("since", 3.0, r"column 'since' holds times, but row 1 has 3.0"),
    ],
)
def test_a_cell_of_another_kind_is_named(column: str, cell, told: str) -> None:
    frame = pd.DataFrame({"age": [1.0, 2.0], "since": pd.to_datetime(["2020-01-01"] * 2)})
    rows = {name: [frame[name][0], frame[name][1]] for name in frame}
    rows[column][1] = cell
    with pytest.raises(ValueError, match=told):
        cells_of(rows, schema(frame))


def test_texts_are_read_as_a_csv_file_has_them(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "age": [1.0, None, 3.0],
            "in": [True, False, True],
            "at": pd.to_datetime(["2020-05-01"] * 3),
        }
    )
    path = tmp_path / "rows.csv"
    path.write_text("at,in,age\n2020-05-02T10:00:00Z,True,4\n,false,NA\n\n2021-01-01,0,1e3\n")
    cells = cells_of(read_file(path), schema(frame))
    assert np.array_equal(cells[:, :2], [[4, 1], [np.nan, 0], [1000, 0]], equal_nan=True)
    assert cells[0, 2:].tolist() == [2020, 5, 2, 10, 0, 0, 0, 0, 0, 1, 0]  # a Saturday
    assert np.isnan(cells[1, 2:]).all()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1 days 02:30:00", 95400),
        ("-1 days +23:00:00.5", -3599.5),
        ("1 day, 2:30:00", 95400),
        ("2 days", 172800),
        ("26:30:00", 95400),
        ("P1DT2H30M", 95400),
        ("-PT0.25S", -0.25),
        ("95400", 95400),
    ],
)
def test_durations_are_read_as_pandas_python_and_iso_write_them(
    text: str, seconds: float, tmp_path: Path
) -> None:
    said = schema(pd.DataFrame({"took": pd.to_timedelta([1, 2], "h")}))
    path = tmp_path / "rows.csv"
    path.write_text(f'took\n"{text}"\nNaT\n')
    cells = cells_of(read_file(path), said)
    assert np.array_equal(cells[:, 0], [seconds, np.nan], equal_nan=True)


def test_durations_of_a_table_survive_a_csv_file(tmp_path: Path) -> None:
    took = pd.to_timedelta([-90.5, None, 0, 1e6], "s")
    said = schema(pd.DataFrame({"took": took}))
    pd.DataFrame({"took": took}).to_csv(tmp_path / "rows.csv", index=False)
    cells = cells_of(read_file(tmp_path / "rows.csv"), said)
    assert np.array_equal(cells[:, 0], [-90.5, np.nan, 0, 1e6], equal_nan=True)
    objects = {"took": [timedelta(seconds=1), None, np.timedelta64(2, "s")]}
    assert np.array_equal(cells_of(objects, said)[:, 0], [1, np.nan, 2], equal_nan=True)


@pytest.mark.parametrize("text", ["P", "soon", "1 days 2", "12:30"])
def test_a_text_that_is_no_duration_is_named(text: str) -> None:
    said = schema(pd.DataFrame({"took": pd.to_timedelta([1, 2], "h")}))
    with pytest.raises(ValueError, match=r"column 'took' holds durations, but row 0 has '"):
        cells_of({"took": [text]}, said)


@pytest.mark.parametrize("name", ["rows.txt", "rows.xlsx", "rows", "rows.csv.gz"])
def test_a_file_of_another_ending_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("a,b\n1,2\n")
    told = rf"{name}: rows must be in a file that ends in \.csv, \.json, \.npy, \.npz\.$"
    with pytest.raises(ValueError, match=told):
        read_file(tmp_path / name)


def test_an_ending_may_be_in_capitals(tmp_path: Path) -> None:
    (tmp_path / "ROWS.CSV").write_text("a,b\n1,2\n")
    assert read_file(tmp_path / "ROWS.CSV") == {"a": ["1"], "b": ["2"]}


def test_a_file_that_is_no_table_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("a,b\n1,2\n3\n")
    with pytest.raises(ValueError, match=r"row 1 has 1 cells, but the first line 2"):
        read_file(path)
    path.write_text("a,b,a\n")
    with pytest.raises(ValueError, match=r"several columns have one name: 'a'"):
        read_file(path)


def test_grids_of_another_shape_are_refused() -> None:
    said = {"kind": "image", "shape": [8, 8], "dtype": "float64"}
    assert cells_of(np.zeros((2, 8, 8), np.uint8), said).dtype == np.float64
    with pytest.raises(ValueError, match=r"shape \[n, 8, 8\], but are float64 of shape \[2, 8\]"):
        cells_of(np.zeros((2, 8)), said)


@pytest.mark.parametrize(
    ("kind", "shape"), [("image", (6, 5)), ("image", (6, 5, 3)), ("sequence", (7, 2))]
)
def test_grids_are_scaled_as_by_the_preparation(kind: str, shape: tuple[int, ...]) -> None:
    x = np.random.default_rng(0).integers(0, 256, (9, *shape), dtype=np.uint8)
    inputs = GridInputs(kind)
    expected = inputs.fit(x)
    features = make_features(kind, features_of(inputs))
    said = schema_of(Fitted(torch.nn.Identity(), inputs))
    assert torch.allclose(features(torch.from_numpy(cells_of(x, said))), expected, atol=1e-6)
    rows = drawn_rows(inputs)
    assert inputs.transform(rows).shape[1:] == expected.shape[1:]
    assert np.allclose(rows.mean(), x.mean(), atol=40)
