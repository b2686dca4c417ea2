"""What the largest network teaches smaller ones: soft targets for classes, numbers for numbers.

    (1 - s) L(outputs, targets) + s L(outputs, taught)

Cai et al. 2020, https://arxiv.org/abs/1908.09791, sec. 3.3; Hinton et al. 2015,
https://arxiv.org/abs/1503.02531, sec. 2, at temperature 1.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor
from torch.nn import functional as F


def taught_loss(outputs: Tensor, taught: Tensor, targets: Tensor) -> Tensor:
    """Returns how far outputs are from a teacher's.

    Args:
        outputs:
            ``[n, C, ...]`` for classes ``[n, ...]``, of any shape for floats.
        taught:
            The teacher's, of that shape.
        targets:
            What both should predict: for classes it is the cross entropy with the teacher's
            probabilities, for floats the mean squared error.
    """
    if targets.is_floating_point():
        return F.mse_loss(outputs, taught)
    return F.cross_entropy(outputs, taught.softmax(1))


def check_taught(taught: Any, targets: Tensor) -> None:
    """Raises unless outputs say what :func:`taught_loss` takes them to say.

    Args:
        taught:
            What the network gives.
        targets:
            As many.

    Raises:
        TypeError:
            If the network gives no tensor.
        ValueError:
            If targets are classes, and dimension 1 of the outputs is not theirs.
    """
    if not isinstance(taught, Tensor):
        raise TypeError(
            "distillation compares outputs, so the network must give one tensor, but it gives "
            f"{type(taught).__name__}. Give distillation=0."
        )
    shape = tuple(taught.shape)
    has_classes = len(shape) > 1 and shape[1] > 1 and shape[:1] + shape[2:] == targets.shape
    if not targets.is_floating_point() and not has_classes:
        raise ValueError(
            "distillation takes soft targets from outputs [n, C, ...] for classes [n, ...], C at "
            f"least 2, but the network gives shape {shape} for targets of shape "
            f"{tuple(targets.shape)}. Give targets as floats, of whose outputs the squared error "
            "is taken, or distillation=0."
        )
