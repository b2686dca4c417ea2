from __future__ import annotations

from typing import Any

import numpy as np
from optuna.distributions import BaseDistribution
from optuna.distributions import CategoricalDistribution
from optuna.distributions import FloatDistribution
from optuna.distributions import IntDistribution
import pytest
from scipy.optimize import approx_fprime
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import DotProduct
from sklearn.gaussian_process.kernels import Matern

from optuna_nas.samplers._draw import draw
from optuna_nas.samplers._encoding import Encoding
from optuna_nas.samplers._gaussian_process import _loss
from optuna_nas.samplers._gaussian_process import APART
from optuna_nas.samplers._gaussian_process import DISTANCE
from optuna_nas.samplers._gaussian_process import GaussianProcess
from optuna_nas.samplers._gaussian_process import Kernel


OPTIONS = list("abcde")
MIXED: dict[str, BaseDistribution] = {
    **{f"edge{i}": CategoricalDistribution(OPTIONS) for i in range(3)},
    "other": CategoricalDistribution([1, 2, 3]),
    "many": CategoricalDistribution(list(range(20))),
    "width": IntDistribution(1, 9),
    "lr": FloatDistribution(1e-4, 1.0, log=True),
}


def some(distributions: dict[str, BaseDistribution], count: int, seed: int) -> list[Any]:
    """Random architectures, in which a fifth of the decisions is not asked."""
    rng = np.random.default_rng(seed)
    return [
        {name: draw(d, rng) for name, d in distributions.items() if rng.random() < 0.8}
        for _ in range(count)
    ]


@pytest.mark.parametrize("learned", [True, False])
def test_the_gradient_is_that_of_finite_differences(learned: bool) -> None:
    encoding = Encoding(MIXED)
    kernel = Kernel(encoding, learned=learned)
    rng = np.random.default_rng(0)
    rows, values = encoding.rows(some(MIXED, 25, 0)), rng.normal(size=25)
    theta = kernel.mean + 0.3 * rng.normal(size=kernel.mean.size)
    _, gradient = _loss(theta, kernel, rows, values)
    expected = approx_fprime(theta, lambda t: _loss(t, kernel, rows, values)[0], 1e-7)
    np.testing.assert_allclose(gradient, expected, atol=1e-4)


def test_before_anything_is_learned_the_kernel_counts_differences() -> None:
    encoding = Encoding(MIXED)
    kernel = Kernel(encoding)
    names = ["edge0", "edge1", "edge2", "other", "many"]
    a = {**dict.fromkeys(names[:3], "a"), "other": 1, "many": 0, "width": 1, "lr": 1.0}
    b = {**a, "edge0": "b", "many": 7}
    del b["other"]
    points = encoding.rows([a, b]) @ kernel.map(kernel.mean)
    learned, fixed = 2 * (1 + APART), 1
    expected = (learned + fixed) * DISTANCE / len(MIXED)
    assert ((points[0] - points[1]) ** 2).sum() == pytest.approx(expected)


def test_no_two_options_are_ever_wholly_alike() -> None:
    encoding = Encoding({"edge": CategoricalDistribution(OPTIONS)})
    kernel = Kernel(encoding)
    theta = np.zeros_like(kernel.mean)  # all points that are learned in one place
    points = encoding.rows([{"edge": option} for option in "ab"]) @ kernel.map(theta)
    assert ((points[0] - points[1]) ** 2).sum() == pytest.approx(APART)


def test_points_are_shared_by_decisions_with_the_same_options() -> None:
    shared = Encoding({f"edge{i}": CategoricalDistribution(OPTIONS) for i in range(6)})
    assert len(Kernel(shared).mean) == 6 + 1 + 6 * 6
    assert len(Kernel(shared, learned=False).mean) == 6 + 1


def test_predictions_are_those_of_scikit_learn() -> None:
    encoding = Encoding(MIXED)
    kernel = Kernel(encoding)
    values = np.random.default_rng(1).normal(size=30)
    values -= values.mean()
    rows, others = encoding.rows(some(MIXED, 30, 1)), encoding.rows(some(MIXED, 10, 2))
    process = GaussianProcess(kernel, rows, values, slice(None))
    noise = process.theta[len(MIXED)]
    oracle = GaussianProcessRegressor(
        DotProduct(1e-9) + Matern(1.0, nu=2.5), alpha=np.exp(noise), optimizer=None
    )
    oracle.fit(rows @ kernel.map(process.theta), values)
    mean, deviation = oracle.predict(others @ kernel.map(process.theta), return_std=True)
    amplitude = values @ oracle.alpha_ / len(values)
    np.testing.assert_allclose(process.predict(others)[0], mean, atol=1e-8)
    np.testing.assert_allclose(process.predict(others)[1], deviation * np.sqrt(amplitude), 1e-6)


def test_fitting_finds_what_matters_and_what_is_alike() -> None:
    """Only edge0 counts, where b is as good as c."""
    distributions: dict[str, BaseDistribution] = {
        f"edge{i}": CategoricalDistribution(OPTIONS) for i in range(3)
    }
    worth = {"a": -1.0, "b": 1.0, "c": 1.0, "d": -1.0, "e": 0.0}
    encoding = Encoding(distributions)
    kernel = Kernel(encoding)
    rng = np.random.default_rng(0)
    seen = [{name: draw(d, rng) for name, d in distributions.items()} for _ in range(60)]
    values = np.array([worth[params["edge0"]] for params in seen])
    process = GaussianProcess(kernel, encoding.rows(seen), values - values.mean(), slice(None))
    weights = process.theta[:3]
    assert weights[0] > max(weights[1:]) + 2
    rows = encoding.rows([{**seen[0], "edge0": option} for option in "bca"])
    b, c, a = rows @ kernel.map(process.theta)
    assert ((b - c) ** 2).sum() < ((b - a) ** 2).sum() / 4


def test_it_is_sure_of_what_it_saw_and_not_of_what_is_far() -> None:
    encoding = Encoding(MIXED)
    seen = some(MIXED, 40, 3)
    rows = encoding.rows(seen)
    values = np.array([len(params) - 5.0 for params in seen])
    process = GaussianProcess(Kernel(encoding), rows, values - values.mean(), slice(None))
    _, near = process.predict(rows)
    _, far = process.predict(encoding.rows(some(MIXED, 40, 4)))
    assert near.mean() < far.mean()


def test_values_that_are_all_equal_and_one_architecture_many_times_are_no_problem() -> None:
    encoding = Encoding(MIXED)
    rows = encoding.rows(some(MIXED, 1, 0) * 20)
    mean, deviation = GaussianProcess(Kernel(encoding), rows, np.zeros(20), slice(None)).predict(
        rows
    )
    np.testing.assert_allclose(mean, 0, atol=1e-9)
    assert np.isfinite(deviation).all()
