"""Rank correlations against scipy's, their intervals, and what is refused."""

import re

import numpy as np
import pytest
from scipy.stats import kendalltau
from scipy.stats import spearmanr

from optuna_nas.oneshot import rank_correlation


@pytest.fixture
def scores():
    rng = np.random.default_rng(0)
    x = rng.normal(size=40)
    return x, x + rng.normal(size=40)


def test_coefficients_are_scipys(scores):
    found = rank_correlation(*scores)
    assert found.spearman.value == spearmanr(*scores).statistic
    assert found.kendall.value == kendalltau(*scores).statistic
    assert found.pairs == 40


def test_the_order_is_all_that_counts(scores):
    x, y = scores
    assert rank_correlation(x, y) == rank_correlation(3 * x**3 + 1, np.exp(y))


def test_the_same_order_is_1_and_the_opposite_minus_1():
    assert rank_correlation([1, 2, 3, 4], [5, 6, 7, 9]).kendall.value == pytest.approx(1)
    assert rank_correlation([1, 2, 3, 4], [9, 7, 6, 5]).spearman.value == pytest.approx(-1)


def test_an_interval_holds_the_value_and_shrinks_with_more_pairs(scores):
    x, y = scores
    few, many = rank_correlation(x[:10], y[:10]).spearman, rank_correlation(x, y).spearman
    for found in (few, many):
        assert -1 <= found.low <= found.value <= found.high <= 1
    assert many.high - many.low < few.high - few.low


def test_it_reads_as_a_sentence():
    found = rank_correlation([1, 2, 3, 4, 5], [1, 2, 3, 4, 5])
    assert str(found) == (
        "Spearman 1.00 (95 %: 1.00 to 1.00), Kendall 1.00 (95 %: 1.00 to 1.00), 5 architectures"
    )


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (
            [1, 2],
            [1, 2],
            "one_shot_scores must be a list of at least 3 numbers, but has shape [2].",
        ),
        ([1, 2, 3], [4, 4, 4], "stand_alone_scores are all 4.0, so they put nothing in an order."),
        ([1, 2, 3], [4, float("nan"), 5], "stand_alone_scores holds NaN or infinity at [1]."),
        (
            [1, 2, 3],
            [4, 5, 6, 7],
            "there are 3 one_shot_scores, but 4 stand_alone_scores; give one of each for each "
            "architecture.",
        ),
    ],
)
def test_what_has_no_order_is_refused(x, y, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        rank_correlation(x, y)
