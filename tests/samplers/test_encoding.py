from __future__ import annotations

import math
from typing import Any

import numpy as np
from optuna.distributions import CategoricalDistribution
from optuna.distributions import FloatDistribution
from optuna.distributions import IntDistribution
import pytest

from optuna_nas.samplers._encoding import Encoding
from optuna_nas.samplers._encoding import unit


DISTRIBUTIONS = {
    "op": CategoricalDistribution(["conv", "skip", None]),
    "width": IntDistribution(16, 64, step=16),
    "lr": FloatDistribution(1e-4, 1e-2, log=True),
}


def test_options_are_one_hot_and_numbers_are_scaled() -> None:
    encoding = Encoding(DISTRIBUTIONS)
    (row,) = encoding.rows([{"op": "skip", "width": 32, "lr": 1e-3}])
    np.testing.assert_allclose(row, [0, 1, 0, 0, 1 / 3, 0, 1 / 2, 0])
    assert encoding.width == 8
    assert encoding.columns == {"op": slice(0, 4), "width": slice(4, 6), "lr": slice(6, 8)}
    assert encoding.options == {"op": ("conv", "skip", None), "width": None, "lr": None}


def test_a_decision_that_is_not_asked_has_its_flag_and_numbers_their_middle() -> None:
    rows = Encoding(DISTRIBUTIONS).rows([{"op": None}, {"width": 64, "lr": 1e-4}])
    np.testing.assert_allclose(rows, [[0, 0, 1, 0, 0.5, 1, 0.5, 1], [0, 0, 0, 1, 1, 0, 0, 0]])


def test_no_architectures_have_no_rows() -> None:
    assert Encoding(DISTRIBUTIONS).rows([]).shape == (0, 8)


def test_a_choice_that_does_not_equal_itself_is_found() -> None:
    (row,) = Encoding({"x": CategoricalDistribution([1.0, math.nan])}).rows([{"x": float("nan")}])
    np.testing.assert_array_equal(row, [0, 1, 0])


@pytest.mark.parametrize(
    ("distribution", "value", "place"),
    [
        (IntDistribution(0, 10), 0, 0.0),
        (IntDistribution(0, 10), 10, 1.0),
        (IntDistribution(1, 16, log=True), 4, 0.5),
        (FloatDistribution(-1.0, 1.0), 0.5, 0.75),
        (FloatDistribution(2.0, 2.0), 2.0, 0.5),
    ],
)
def test_a_number_lies_between_its_ends(distribution: Any, value: float, place: float) -> None:
    assert unit(distribution, value) == pytest.approx(place)
