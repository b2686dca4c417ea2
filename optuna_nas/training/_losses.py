"""The losses of the default recipe, and the check that keeps an output of a wrong shape from
being broadcast against the targets, which trains happily and learns nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from typing import TypeAlias

from torch import Tensor
from torch.nn import functional as F


Loss: TypeAlias = Callable[[Tensor, Tensor], Tensor]


def default_loss(outputs: Tensor, targets: Tensor, label_smoothing: float = 0.0) -> Tensor:
    """Cross entropy for classes, mean squared error for floats.

    Args:
        outputs:
            What the network gave.
        targets:
            A batch of targets.
        label_smoothing:
            For classes, the share of each target that is spread over all of them.
    """
    if targets.is_floating_point():
        return F.mse_loss(outputs, targets)
    return F.cross_entropy(outputs, targets, label_smoothing=label_smoothing)


def check_outputs(outputs: Any, targets: Tensor, bounds: tuple[int, int] | None) -> None:
    """Checks that a network's outputs fit the targets.

    Args:
        outputs:
            What the network gave: ``[n, C, ...]`` for classes ``[n, ...]``, and for floats what
            the targets are shaped.
        targets:
            A batch of targets.
        bounds:
            The lowest and the highest class, of the batch or of all data; None for floats.

    Raises:
        TypeError:
            If the network gave no tensor.
        ValueError:
            If the shapes do not fit, or if a class is not one of ``0..C-1``.
    """
    if not isinstance(outputs, Tensor):
        raise TypeError(f"The network must give a tensor, but gave {type(outputs).__name__}.")
    if bounds is None:
        _check_same_shape(outputs, targets)
    else:
        _check_classes(outputs, targets, *bounds)


def _check_same_shape(outputs: Tensor, targets: Tensor) -> None:
    if outputs.shape != targets.shape:
        raise ValueError(
            f"The network's outputs have shape {tuple(outputs.shape)}, but the targets have "
            f"{tuple(targets.shape)}; for a regression they must be the same. If y holds classes, "
            "make it integers: y.astype('int64')."
        )


def _check_classes(outputs: Tensor, targets: Tensor, low: int, high: int) -> None:
    if outputs.ndim < 2 or outputs.shape[:1] + outputs.shape[2:] != targets.shape:
        rows, *rest = targets.shape
        fitting = ", ".join(str(size) for size in (rows, "C", *rest))
        raise ValueError(
            f"The network's outputs have shape {tuple(outputs.shape)}, but classes of shape "
            f"{tuple(targets.shape)} need ({fitting}), one output a class. If y holds numbers to "
            "predict, make it floats: y.astype('float32')."
        )
    if low < 0 or high >= outputs.shape[1]:
        raise ValueError(
            f"The network has {outputs.shape[1]} outputs, so classes must be integers from 0 to "
            f"{outputs.shape[1] - 1}, but y goes from {low} to {high}. Give the network more "
            "outputs, or number the classes by sklearn.preprocessing.LabelEncoder."
        )
