"""Which rows are held out."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.model_selection import KFold

from optuna_nas._estimator._split import make_folds
from optuna_nas._estimator._split import MOST_HELD_OUT


def test_a_share_of_each_class_is_held_out() -> None:
    y = np.repeat([0, 1, 2], [50, 30, 20])
    [(train, valid)] = make_folds(0.2, y[:, None], y, classes=True, seed=0)
    assert np.bincount(y[valid]).tolist() == [10, 6, 4]
    assert sorted([*train, *valid]) == list(range(100))


def test_a_class_of_one_row_does_not_stop_the_split() -> None:
    y = np.array([0] * 9 + [1])
    [(train, valid)] = make_folds(0.3, y[:, None], y, classes=True, seed=0)
    assert (len(train), len(valid)) == (7, 3)


@pytest.mark.parametrize(("share", "held_out"), [(0.01, 2), (0.99, 8)])
def test_two_rows_or_more_are_on_each_side(share: float, held_out: int) -> None:
    y = np.arange(10.0)
    [(train, valid)] = make_folds(share, y[:, None], y, classes=False, seed=0)
    assert (len(train), len(valid)) == (10 - held_out, held_out)


def test_of_very_many_rows_no_more_are_held_out_than_tell_networks_apart() -> None:
    y = np.arange(100_000) % 2
    [(_, valid)] = make_folds(0.2, y[:, None], y, classes=True, seed=0)
    assert len(valid) == MOST_HELD_OUT


def test_a_splitter_says_its_own_folds() -> None:
    y = np.arange(10.0)
    folds = make_folds(KFold(5), y[:, None], y, classes=False, seed=0)
    assert [valid.tolist() for _, valid in folds] == [[2 * i, 2 * i + 1] for i in range(5)]


def test_too_few_rows_are_told() -> None:
    with pytest.raises(ValueError, match=r"n_samples = 3, too few.*at least 4"):
        make_folds(0.2, np.eye(3), np.arange(3), classes=True, seed=0)


def test_folds_written_out_name_the_rows_that_the_user_gave() -> None:
    y = np.arange(6.0)
    kept = np.array([0, 1, 3, 4, 6, 8])  # two others weigh nothing
    by_hand = [([0, 1, 2, 3], [4, 5, 6, 7, 8])]
    [(train, valid)] = make_folds(by_hand, y[:, None], y, classes=False, seed=0, kept=kept)
    assert train.tolist() == [0, 1, 2]
    assert valid.tolist() == [3, 4, 5]
