"""Two sets of digits, each in three parts: train, valid and test."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
import torch
from torch import Tensor


TRAIN, VALID = 600, 600

Part = tuple[Tensor, Tensor]  # images [n, 1, h, w] in 0..1, classes [n]


@dataclass(frozen=True)
class Parts:
    train: Part
    valid: Part
    test: Part


@cache
def load(dataset: str, usps: Path) -> Parts:
    """The same rows in every run: seeds differ in weights and proposals only.

    Args:
        dataset:
            ``"digits"``: 8 x 8, from scikit-learn, the rest of which is the test part (597 rows).
            ``"USPS"``: 16 x 16, with its own test part (2,007 rows).
        usps:
            An npz file with x_train, y_train, x_test and y_test, uint8.
    """
    if dataset == "digits":
        x, y = load_digits(return_X_y=True)
        train, valid, test = _split(_part(x.reshape(-1, 8, 8) / 16, y))
        return Parts(train, valid, test)
    with np.load(usps) as arrays:
        train, valid, _ = _split(_part(arrays["x_train"] / 255, arrays["y_train"]))
        return Parts(train, valid, _part(arrays["x_test"] / 255, arrays["y_test"]))


def _part(images: np.ndarray, classes: np.ndarray) -> Part:
    return torch.tensor(images, dtype=torch.float32)[:, None], torch.tensor(classes).long()


def _split(part: Part) -> tuple[Part, Part, Part]:
    rows = torch.randperm(len(part[0]), generator=torch.Generator().manual_seed(0))
    cut = rows[:TRAIN], rows[TRAIN : TRAIN + VALID], rows[TRAIN + VALID :]
    train, valid, rest = ((part[0][chosen], part[1][chosen]) for chosen in cut)
    return train, valid, rest
