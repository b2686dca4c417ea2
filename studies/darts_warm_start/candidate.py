"""What a trial is: a candidate is trained on its own, and what that took is written down."""

from __future__ import annotations

from time import process_time
from typing import Any

from data import Parts
from data import TRAIN
from data import VALID
import torch
from torch import nn
from torch import Tensor

from optuna_nas import metrics
from optuna_nas import Train


EPOCHS = 15
FORWARD_AND_BACK = 3
"""A backward pass computes about twice what a forward pass does."""

PASSES = EPOCHS * (FORWARD_AND_BACK * TRAIN + VALID)
"""Forward passes of one image, or as much work, in one trial."""


class Candidate:
    """Scores by validation accuracy (of the best epoch), and notes the rest as user attrs.

    ``cpu_seconds`` of its training and scoring, ``flops`` of a forward pass of one image, and
    ``test``: the test accuracy, which no sampler sees and whose time is not counted.

    Args:
        parts:
            The data.
        seed:
            Of the order of batches.
    """

    def __init__(self, parts: Parts, seed: int) -> None:
        self._train = Train(parts.train, parts.valid, epochs=EPOCHS, device="cpu", seed=seed)
        self._flops = metrics.Flops(parts.train[0][:2])
        self._test = parts.test
        self.direction = self._train.direction
        self.example = self._train.example

    def __call__(self, module: nn.Module, trial: Any) -> float:
        """Returns the score."""
        start = process_time()
        score = self._train(module, trial)
        trial.set_user_attr("cpu_seconds", process_time() - start)
        trial.set_user_attr("flops", self._flops.measure(module))
        trial.set_user_attr("test", accuracy(module, *self._test))
        return score


@torch.no_grad()
def accuracy(module: nn.Module, images: Tensor, classes: Tensor) -> float:
    """The share that a network in eval mode gets right."""
    return float((module(images).argmax(1) == classes).double().mean())
