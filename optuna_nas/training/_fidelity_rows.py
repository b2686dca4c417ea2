"""The rows of a lower fidelity: fewer of them, or smaller images. All candidates get the same."""

from __future__ import annotations

from dataclasses import replace
import math

import torch
from torch import Tensor
from torch.nn import functional as F

from optuna_nas.training._data import Resident
from optuna_nas.training._data import Rows
from optuna_nas.training._seeds import generator_for


def share_of(rows: Rows, data: float, seed: int) -> Rows:
    """Returns a share of the rows: nested, and of each class as much, but at least one row.

    Args:
        rows:
            All of them.
        data:
            The share, in (0, 1].
        seed:
            What chooses them.

    Raises:
        TypeError:
            If they are not in memory, but loaded anew each epoch.
    """
    if data == 1:
        return rows
    checked = _in_memory(rows, f"data={data:g}")
    order = _nested(checked.targets, generator_for(seed))
    chosen = order[: max(_classes(checked.targets), math.ceil(data * len(order)))].sort().values
    return Resident(checked.inputs[chosen], checked.targets[chosen])


def resized(rows: Rows, size: tuple[int, int] | None) -> Rows:
    """Returns the rows with images of another size, each pixel a mean of those that it covers.

    Args:
        rows:
            Images ``[n, channels, height, width]``.
        size:
            Height and width; None leaves them.

    Raises:
        TypeError:
            If they are not in memory, but loaded anew each epoch.
        ValueError:
            If they are no images, or smaller than that.
    """
    if size is None:
        return rows
    checked = _in_memory(rows, f"image_size={size}")
    shape = tuple(checked.inputs.shape)
    if len(shape) != 4 or not checked.inputs.is_floating_point():
        raise ValueError(
            f"image_size={size} needs images, X of floats [n, channels, height, width], but X is "
            f"{checked.inputs.dtype} of shape {list(shape)}."
        )
    if size[0] > shape[2] or size[1] > shape[3]:
        raise ValueError(
            f"image_size={size} must be at most the images' size, which is {shape[2:]}."
        )
    # Without antialiasing, most pixels of a large image would have no say in the small one.
    small = F.interpolate(checked.inputs, size, mode="bilinear", antialias=True)
    return replace(checked, inputs=small)


def _in_memory(rows: Rows, what: str) -> Resident:
    if isinstance(rows, Resident):
        return rows
    raise TypeError(
        f"{what} needs rows in memory: a pair (X, y) or a TensorDataset. A DataLoader, or a "
        "Dataset that is loaded anew each epoch, does not show its classes and images before "
        "training."
    )


def _classes(targets: Tensor) -> int:
    """How many classes rows can be told apart by; 1 if by none."""
    if targets.is_floating_point() or targets.ndim > 1:
        return 1
    return len(torch.unique(targets))


def _nested(targets: Tensor, generator: torch.Generator) -> Tensor:
    """An order of the rows in which each beginning holds as much of each class.

    The row of place r among the n of its class comes at r / n: the first of each class at once.
    """
    shuffled = torch.randperm(len(targets), generator=generator)
    if _classes(targets) == 1:
        return shuffled
    _, label, count = torch.unique(targets[shuffled], return_inverse=True, return_counts=True)
    by_class = label.argsort(stable=True)
    begins = count.cumsum(0) - count
    place = torch.empty_like(label)
    place[by_class] = torch.arange(len(label)) - begins[label[by_class]]
    return shuffled[(place.double() / count[label]).argsort(stable=True)]
