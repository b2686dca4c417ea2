from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from optuna_nas._cli._data import load_data
from optuna_nas._cli._data import split
from tests.cli.conftest import flowers
from tests.cli.conftest import HEADER
from tests.cli.conftest import write_csv


def test_digits_are_images_from_0_to_1() -> None:
    data = load_data("digits", seed=0)
    assert data.shape == (1, 8, 8)
    assert data.rows == (1077, 360, 360)
    x = np.concatenate([data.train[0], data.valid[0], data.test[0]])
    assert x.dtype == np.float32
    assert (x.min(), x.max()) == (0, 1)
    assert x.sum() == pytest.approx(load_digits().data.sum() / 16)
    assert data.outputs == 10


def test_each_row_is_in_one_part_and_each_part_has_its_share_of_each_class() -> None:
    classes = np.repeat([0, 1, 2], [50, 30, 20])
    parts = split(100, classes, seed=3)
    assert sorted(np.concatenate(parts)) == list(range(100))
    counts = [np.bincount(classes[part]).tolist() for part in parts]
    assert counts == [[30, 18, 12], [10, 6, 4], [10, 6, 4]]


def test_the_split_is_a_function_of_the_seed() -> None:
    one, same, other = (split(100, None, seed) for seed in (1, 1, 2))
    assert all((a == b).all() for a, b in zip(one, same, strict=True))
    assert not (one[2] == other[2]).all()


def test_features_are_fitted_on_the_training_part_only(flowers_csv: Path) -> None:
    data = load_data(str(flowers_csv), target="kind", seed=0)
    numbers = data.train[0][:, :2]
    assert numbers.mean(0) == pytest.approx([0, 0], abs=1e-6)
    assert numbers.std(0) == pytest.approx([1, 1], abs=1e-6)
    assert np.abs(data.valid[0][:, :2].mean(0)).min() > 1e-3
    assert (data.train[0][:, 2:].sum(1) == 1).all()
    assert data.preprocessing["columns"][2] == {
        "column": "colour",
        "categories": ["blue", "red", "white"],
    }


def test_a_category_that_is_not_in_the_training_part_is_all_zeros(tmp_path: Path) -> None:
    rows = flowers()
    _, _, test = split(100, np.array([row[3] == "rose" for row in rows]), seed=0)
    rows[test[0]][2] = "green"
    path = write_csv(tmp_path / "flowers.csv", HEADER, rows)
    data = load_data(str(path), target="kind", seed=0)
    assert data.test[0][0, 2:].tolist() == [0, 0, 0]


def test_saved_numbers_give_the_features_again(flowers_csv: Path) -> None:
    data = load_data(str(flowers_csv), target="kind", seed=0)
    rows = flowers()
    train, _, _ = split(100, np.array([row[3] == "rose" for row in rows]), seed=0)
    length, _, colour, _ = rows[train[7]]
    first, _, third = data.preprocessing["columns"]
    assert data.train[0][7, 0] == pytest.approx((float(length) - first["mean"]) / first["scale"])
    assert data.train[0][7, 2:].tolist() == [float(colour == c) for c in third["categories"]]
    assert data.classes == ("daisy", "rose")
    assert data.classes[data.train[1][7]] == rows[train[7]][3]


def test_a_number_to_predict_is_standardised_on_the_training_part(flowers_csv: Path) -> None:
    data = load_data(str(flowers_csv), target="length", seed=0)
    assert data.task == "regression"
    assert data.reason == "target 'length': 100 different numbers, so regression"
    assert data.train[1].dtype == np.float32
    assert data.train[1].mean() == pytest.approx(0, abs=1e-6)
    assert data.train[1].std() == pytest.approx(1, abs=1e-6)
    assert data.preprocessing["target"]["column"] == "length"
    assert data.shape == (1 + 3 + 2,)
    assert data.outputs == 1


def test_semicolons_tabs_a_byte_order_mark_and_spaces_are_understood(tmp_path: Path) -> None:
    rows = [HEADER, *flowers()]
    for delimiter in (";", "\t", ", "):
        path = tmp_path / "flowers.csv"
        text = "\n".join(delimiter.join(map(str, row)) for row in rows)
        path.write_text(text + "\n\n", encoding="utf-8-sig")
        assert load_data(str(path), target="kind", seed=0).shape == (5,)


def test_a_dropped_column_is_not_read(tmp_path: Path) -> None:
    rows = [[*row, ""] for row in flowers()]
    path = write_csv(tmp_path / "flowers.csv", (*HEADER, "remark"), rows)
    data = load_data(str(path), target="kind", drop=["remark", "colour"], seed=0)
    assert data.shape == (2,)
