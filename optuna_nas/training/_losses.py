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
    """Cross entropy for classes, mean squared error for floats; of several predictions a row, the
    mean of their losses.

    Args:
        outputs:
            What the network gave; with one dimension more than :func:`check_outputs` asks for,
            after the rows, several predictions a row.
        targets:
            A batch of targets.
        label_smoothing:
            For classes, the share of each target that is spread over all of them.
    """
    if _are_several(outputs, targets):
        k = outputs.shape[1]
        outputs, targets = outputs.flatten(0, 1), targets.repeat_interleave(k, 0)
    if targets.is_floating_point():
        return F.mse_loss(outputs, targets)
    return F.cross_entropy(outputs, targets, label_smoothing=label_smoothing)


def check_outputs(
    outputs: Any,
    targets: Tensor,
    bounds: tuple[int, int] | None,
    *,
    several: bool = True,
) -> None:
    """Checks that a network's outputs fit the targets.

    Args:
        outputs:
            What the network gave: ``[n, C, ...]`` for classes ``[n, ...]``, and for floats what
            the targets are shaped.
        targets:
            A batch of targets.
        bounds:
            The lowest and the highest class, of the batch or of all data; None for floats.
        several:
            Whether the network may give several predictions a row, ``[n, k, C, ...]`` or ``[n, k,
            ...]``: an ensemble's, in training.

    Raises:
        TypeError:
            If the network gave no tensor.
        ValueError:
            If the shapes do not fit, or if a class is not one of ``0..C-1``.
    """
    if not isinstance(outputs, Tensor):
        raise TypeError(f"The network must give a tensor, but gave {type(outputs).__name__}.")
    if several and _are_several(outputs, targets):
        outputs = outputs[:, 0]
    if bounds is None:
        _check_same_shape(outputs, targets)
    else:
        _check_classes(outputs, targets, *bounds)


def _are_several(outputs: Tensor, targets: Tensor) -> bool:
    """One dimension more than there is for one prediction, and its size is not 1."""
    dimensions = targets.ndim + (1 if targets.is_floating_point() else 2)
    return outputs.ndim == dimensions and outputs.shape[1] > 1


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
