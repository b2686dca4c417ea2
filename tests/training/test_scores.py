from typing import Any

import numpy as np
import pytest
from sklearn import metrics
import torch
from torch import nn
from torch.utils.data import DataLoader

from optuna_nas.training import score
from tests.training.samples import blobs
from tests.training.samples import Listed
from tests.training.samples import net


RNG = np.random.default_rng(0)
CLASSES = RNG.integers(3, size=70)
LOGITS = RNG.normal(size=(70, 3))
FLOATS = RNG.normal(size=(70, 2))


def test_accuracy_is_scikit_learns() -> None:
    expected = metrics.accuracy_score(CLASSES, LOGITS.argmax(1))
    assert score(nn.Identity(), (LOGITS, CLASSES)) == pytest.approx(expected)


def test_accuracy_counts_positions_where_each_row_has_many() -> None:
    logits, classes = RNG.normal(size=(5, 3, 14)), CLASSES.reshape(5, 14)
    expected = (logits.argmax(1) == classes).mean()
    assert score(nn.Identity(), (logits, classes), "accuracy") == pytest.approx(expected)


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("r2", metrics.r2_score),
        (None, metrics.r2_score),
        ("mse", metrics.mean_squared_error),
        ("mae", metrics.mean_absolute_error),
        ("loss", metrics.mean_squared_error),
    ],
)
def test_scores_of_a_regression_are_scikit_learns(name: str | None, function: Any) -> None:
    outputs = FLOATS + 0.3 * RNG.normal(size=(70, 2))
    expected = function(FLOATS, outputs)
    assert score(nn.Identity(), (outputs, FLOATS), name) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("miss", [0.0, 0.5])
def test_r2_of_constant_targets_is_scikit_learns(miss: float) -> None:
    targets = np.ones((4, 1))
    expected = metrics.r2_score(targets, targets + miss)
    assert score(nn.Identity(), (targets + miss, targets)) == expected


def test_loss_is_the_cross_entropy_of_classes() -> None:
    expected = metrics.log_loss(CLASSES, torch.tensor(LOGITS).softmax(1).numpy())
    assert score(nn.Identity(), (LOGITS, CLASSES), "loss") == pytest.approx(expected, rel=1e-5)


def test_a_function_is_given_all_outputs_and_targets() -> None:
    assert score(nn.Identity(), (LOGITS, CLASSES), lambda o, t: len(o) + len(t)) == 140


def test_the_size_of_the_batches_does_not_matter() -> None:
    module, data = net(), blobs()
    scores = {round(score(module, data, "loss", batch_size=size), 5) for size in (1, 7, 1000)}
    assert len(scores) == 1


def test_arrays_datasets_and_dataloaders_score_alike() -> None:
    module, data = net(), Listed(*blobs())
    assert score(module, blobs()) == score(module, data) == score(module, DataLoader(data, 9))


def test_the_network_is_scored_in_eval_mode() -> None:
    module = nn.Sequential(nn.Dropout(0.9), net()).train()
    assert score(module, blobs()) == score(net(), blobs())
