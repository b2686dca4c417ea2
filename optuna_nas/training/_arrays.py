"""Arrays as the user has them become tensors that a network can be trained on, or an error."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor


def to_inputs(x: Any, name: str) -> Tensor:
    """The inputs: float64 and bool become float32, integers (tokens) stay as they are.

    Args:
        x:
            A tensor or anything that numpy takes for an array of numbers.
        name:
            What to call it in an error: ``"train"``.

    Raises:
        TypeError:
            If it holds no numbers, or bytes: those are images that nobody scaled.
    """
    tensor = _to_tensor(x, f"{name}: X")
    if tensor.dtype in (torch.uint8, torch.uint16):
        most = 255 if tensor.dtype == torch.uint8 else 65535
        raise TypeError(
            f"{name}: X is {str(tensor.dtype)[6:]}, as images are when they come from a file. "
            f"Scale it to float first: X.astype('float32') / {most}."
        )
    return tensor.float() if tensor.dtype in (torch.float64, torch.bool) else tensor


def to_targets(y: Any, name: str) -> Tensor:
    """The targets: integers and bools become int64 classes, floats become float32.

    Args:
        y:
            A tensor or anything that numpy takes for an array of numbers.
        name:
            What to call it in an error: ``"train"``.

    Returns:
        Classes as they are shaped; floats with one dimension get a second, ``[n, 1]``.

    Raises:
        TypeError:
            If it holds no numbers.
    """
    tensor = _to_tensor(y, f"{name}: y")
    if not tensor.is_floating_point():
        return tensor.long()
    return (tensor.unsqueeze(1) if tensor.ndim == 1 else tensor).float()


def check_rows(x: Tensor, y: Tensor, name: str) -> None:
    """Checks what would make every candidate fail alike.

    Args:
        x:
            The inputs.
        y:
            The targets.
        name:
            What to call them in an error: ``"train"``.

    Raises:
        ValueError:
            If there are no rows, not as many inputs as targets, or values that are not finite.
    """
    if x.ndim == 0 or y.ndim == 0:
        raise ValueError(f"{name}: X and y must have rows, but one of them is a single number.")
    if len(x) != len(y):
        raise ValueError(f"{name}: X has {len(x)} rows, but y has {len(y)}.")
    if len(x) == 0:
        raise ValueError(f"{name}: X and y have no rows.")
    _check_finite(x, f"{name}: X")
    _check_finite(y, f"{name}: y")


def check_classes(y: Tensor, name: str) -> None:
    """Checks that classes, if the targets are classes, are at least two.

    Args:
        y:
            The targets.
        name:
            What to call them in an error: ``"train"``.

    Raises:
        ValueError:
            If all of them are the same.
    """
    if not y.is_floating_point() and bool((y == y.flatten()[0]).all()):
        raise ValueError(
            f"{name}: y has one class only ({int(y.flatten()[0])}), so there is nothing to learn."
        )


def _to_tensor(values: Any, what: str) -> Tensor:
    if isinstance(values, Tensor):
        return values.detach()
    array = np.array(values, order="C")
    if array.dtype.kind in "US" or (array.dtype == object and _first_is_string(array)):
        remedy = (
            "Make them integers first: sklearn.preprocessing.LabelEncoder().fit_transform(y)."
            if what.endswith("y")
            else "Encode them first, for example by sklearn.preprocessing.OneHotEncoder."
        )
        raise TypeError(f"{what} holds strings (the first is {array.flat[0]!r}). {remedy}")
    if array.dtype.kind not in "biuf":
        raise TypeError(
            f"{what} must be an array or a tensor of numbers, but is {type(values).__name__} "
            f"of dtype {array.dtype}."
        )
    return torch.from_numpy(array.astype(array.dtype.newbyteorder("="), copy=False))


def _first_is_string(array: np.ndarray[Any, Any]) -> bool:
    return array.size > 0 and isinstance(array.flat[0], str)


def _check_finite(tensor: Tensor, what: str) -> None:
    if not tensor.is_floating_point() or bool(tensor.isfinite().all()):
        return
    bad = (~tensor.isfinite()).flatten(1).any(1) if tensor.ndim > 1 else ~tensor.isfinite()
    rows = bad.nonzero().flatten()
    raise ValueError(
        f"{what} holds NaN or infinity in {len(rows)} of {len(bad)} rows; the first is row "
        f"{int(rows[0])}. Drop those rows or fill them in."
    )
