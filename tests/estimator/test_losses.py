"""The loss of weighted rows, against torch's own."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from optuna_nas._estimator._losses import WeightedLoss
from optuna_nas._estimator._losses import with_weights
from optuna_nas.training._losses import default_loss


def test_with_equal_weights_it_is_the_loss_without() -> None:
    outputs, classes = torch.randn(6, 3), torch.tensor([0, 1, 2, 2, 1, 0])
    numbers, ones = torch.randn(6, 3), torch.ones(6)
    ours = WeightedLoss(True, 0.1)(outputs, with_weights(classes, ones))
    assert torch.allclose(ours, F.cross_entropy(outputs, classes, label_smoothing=0.1))
    ours = WeightedLoss(False)(outputs, with_weights(numbers, ones))
    assert torch.allclose(ours, F.mse_loss(outputs, numbers))


def test_a_row_of_weight_two_counts_as_two_rows() -> None:
    outputs, numbers = torch.randn(2, 1), torch.randn(2, 1)
    weights = torch.tensor([4 / 3, 2 / 3])
    twice = torch.tensor([0, 0, 1])
    ours = WeightedLoss(False)(outputs, with_weights(numbers, weights))
    assert torch.allclose(ours, F.mse_loss(outputs[twice], numbers[twice]))


def test_of_several_predictions_a_row_it_is_the_mean_of_their_losses() -> None:
    outputs, classes = torch.randn(6, 4, 3), torch.tensor([0, 1, 2, 2, 1, 0])
    ours = WeightedLoss(True)(outputs, with_weights(classes, torch.ones(6)))
    assert torch.allclose(ours, default_loss(outputs, classes))
