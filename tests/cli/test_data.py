from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits
import torch

from optuna_nas._cli._data import split
from optuna_nas._cli._errors import BadInput
from tests.cli.conftest import flowers
from tests.cli.conftest import HEADER
from tests.cli.conftest import load
from tests.cli.conftest import write_csv


def test_digits_are_standardised_images() -> None:
    data = load("digits")
    assert data.shape == (1, 8, 8)
    assert data.rows == (1077, 360, 360)
    assert data.classes == tuple(range(10))
    x = data.train[0]
    assert x.dtype == torch.float32
    assert float(x.mean()) == pytest.approx(0, abs=1e-5)
    raw = np.concatenate(data.raw)
    assert raw.dtype == np.uint8
    assert sorted(raw.sum((1, 2))) == sorted(load_digits().images.sum((1, 2)))


def test_each_row_is_in_one_part_and_each_part_has_its_share_of_each_class() -> None:
    classes = np.repeat([0, 1, 2], [50, 30, 20])
    parts = split(100, classes, (0.6, 0.2, 0.2), seed=3)
    assert sorted(np.concatenate(parts)) == list(range(100))
    counts = [np.bincount(classes[part]).tolist() for part in parts]
    assert counts == [[30, 18, 12], [10, 6, 4], [10, 6, 4]]
    assert [len(part) for part in split(100, None, (0.75, 0.25), seed=3)] == [75, 25]


def test_the_split_is_a_function_of_the_seed() -> None:
    one, same, other = (split(100, None, (0.6, 0.2, 0.2), seed) for seed in (1, 1, 2))
    assert all((a == b).all() for a, b in zip(one, same, strict=True))
    assert not (one[2] == other[2]).all()


def test_features_are_fitted_on_the_training_part_only(flowers_csv: Path) -> None:
    data = load(flowers_csv, target="kind", space="mlp")
    numbers = data.train[0][:, :2].numpy()
    assert numbers.mean(0) == pytest.approx([0, 0], abs=1e-6)
    assert numbers.std(0) == pytest.approx([1, 1], abs=1e-6)
    assert np.abs(data.valid[0][:, :2].numpy().mean(0)).min() > 1e-3
    assert (data.train[0][:, 2:].sum(1) == 1).all()


def test_categories_are_codes_for_tabular_networks_and_one_hot_for_others(
    flowers_csv: Path,
) -> None:
    assert load(flowers_csv, target="kind").shape == (3,)
    assert load(flowers_csv, target="kind", space="mlp").shape == (5,)


def test_a_category_that_is_not_in_the_training_part_is_all_zeros(tmp_path: Path) -> None:
    rows = flowers()
    classes = np.array([row[3] == "rose" for row in rows])
    _, _, test = split(100, classes, (0.6, 0.2, 0.2), seed=0)
    rows[test[0]][2] = "green"
    path = write_csv(tmp_path / "flowers.csv", HEADER, rows)
    data = load(path, target="kind", space="mlp")
    assert data.test[0][0, 2:].tolist() == [0, 0, 0]


def test_bools_times_and_missing_cells_are_prepared(tmp_path: Path) -> None:
    rows = [
        [f"{i / 7}" if i % 9 else "", f"2024-0{i % 9 + 1}-11", i % 2 == 0, "?", "ab"[i % 2]]
        for i in range(80)
    ]
    for row in rows[:40]:
        row[3] = "red"
    path = write_csv(tmp_path / "t.csv", ("length", "day", "flag", "colour", "kind"), rows)
    data = load(path, target="kind")
    # A number, eleven parts of a time, a bool, whether the number is missing, and a code.
    assert data.shape == (15,)
    assert not bool(data.train[0].isnan().any())


def test_a_number_to_predict_is_standardised_on_the_training_part(flowers_csv: Path) -> None:
    data = load(flowers_csv, target="length")
    assert data.task == "regression"
    assert data.reason == "target 'length': 100 different numbers, so regression"
    assert data.train[1].dtype == torch.float32
    y = data.train[1]
    assert float(y.mean()) == pytest.approx(0, abs=1e-6)
    assert float(y.std(correction=0)) == pytest.approx(1, abs=1e-6)
    assert data.targets.out_features == 1
    assert data.classes is None


def test_rows_to_test_on_may_come_in_a_file_of_their_own(
    tmp_path: Path, flowers_csv: Path
) -> None:
    mixed = [[row[3], "new", *row[:3]] for row in flowers(30)]
    write_csv(tmp_path / "test.csv", ("kind", "more", *HEADER[:3]), mixed)
    data = load(flowers_csv, target="kind", test=str(tmp_path / "test.csv"))
    assert data.rows == (75, 25, 30)
    assert data.test[1].tolist() == [0, 1] * 15
    assert data.raw[2]["colour"].tolist()[:3] == ["red", "white", "blue"]


@pytest.mark.parametrize(
    ("header", "rows", "message"),
    [
        (HEADER[1:], [row[1:] for row in flowers()], r" lacks 'length', which the data to train "
         r"on have\.$"),
        (HEADER, [[*row[:3], "tulip"] for row in flowers()], r"^the test part has classes that "
         r"the rows to train on have not: tulip\.$"),
    ],
)  # fmt: skip
def test_a_test_file_that_does_not_fit_is_told(
    tmp_path: Path, flowers_csv: Path, header: Any, rows: Any, message: str
) -> None:
    write_csv(tmp_path / "test.csv", header, rows)
    with pytest.raises(BadInput, match=message):
        load(flowers_csv, target="kind", test=str(tmp_path / "test.csv"))


def test_columns_that_only_number_or_name_the_rows_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = flowers()
    ids = np.random.default_rng(0).permutation(np.arange(7, 307, 3))
    table = [[i, f"n{i}", i / 7, i**2, i // 2, *row] for i, row in zip(ids, rows, strict=True)]
    header = ("id", "name", "size", "area", "pair", *HEADER)
    load(write_csv(tmp_path / "t.csv", header, table), target="kind")
    assert capsys.readouterr().err.splitlines() == [
        "note: column 'id' has another number in each row. If it only numbers the rows, there is "
        "nothing to learn from it: a search with --drop 'id' leaves it out.",
        "note: column 'name' has another text in each row. If it only names the rows, there is "
        "nothing to learn from it: a search with --drop 'name' leaves it out.",
    ]
    load(tmp_path / "t.csv", target="kind", drop=("id", "name"))
    assert capsys.readouterr().err == ""


def test_a_column_with_missing_cells_a_whole_number_to_predict_and_arrays_are_not_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = [["" if i == 5 else i, i, row[0]] for i, row in enumerate(flowers())]
    load(write_csv(tmp_path / "t.csv", ("id", "y", "x"), table), target="y")
    np.savez(tmp_path / "a.npz", X=np.arange(120).reshape(60, 2), y=np.arange(60) % 2)
    load(tmp_path / "a.npz")
    assert capsys.readouterr().err == ""


def test_arrays_are_tables_images_or_sequences(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    y = np.arange(60) % 3
    for shape, prepared in (((4,), (4,)), ((6, 6, 3), (3, 6, 6)), ((5, 2), (5, 2))):
        np.savez(tmp_path / "a.npz", X=rng.normal(size=(60, *shape)), y=y)
        data = load(tmp_path / "a.npz")
        assert data.shape == prepared
        assert data.classes == (0, 1, 2)


def test_arrays_may_hold_a_test_part_and_several_numbers_to_predict(tmp_path: Path) -> None:
    x, y = np.random.default_rng(0).normal(size=(2, 90, 2))
    arrays = {"x_train": x[:60], "y_train": y[:60], "x_test": x[60:], "y_test": y[60:]}
    np.savez(tmp_path / "a.npz", **arrays)
    data = load(tmp_path / "a.npz")
    assert data.rows == (45, 15, 30)
    assert data.targets.out_features == 2
    assert data.reason == "target 'y': 2 numbers a row, so regression"
