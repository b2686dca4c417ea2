"""The batch that a cost is measured on, from whatever rows the user has."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch import Tensor


def batch_of(example: Any, batch_size: int, device: torch.device) -> tuple[Tensor, ...]:
    """So many rows of an example, on the CPU; rows are repeated where it has fewer.

    Args:
        example:
            A batch of inputs, at least one row; a tuple for a ``forward`` of several.
        batch_size:
            How many rows to take.
        device:
            Where they are to be used. The example may be there already, or on the CPU.

    Raises:
        TypeError:
            If the example is no tensor or array of numbers.
        ValueError:
            If it has no row, or is on a third device.
    """
    inputs = example if isinstance(example, tuple) else (example,)
    if not inputs:
        raise ValueError("example must hold an input, but is an empty tuple.")
    return tuple(_rows(one, batch_size, device) for one in inputs)


def inputs_for(module: nn.Module, batch: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """A batch in a network's precision; integers stay as they are.

    Args:
        module:
            The network.
        batch:
            Its inputs.
    """
    floats = (p.dtype for p in module.parameters() if p.is_floating_point())
    dtype = next(floats, torch.get_default_dtype())
    return tuple(x.to(dtype) if x.is_floating_point() else x for x in batch)


def checked_batch(example: Any) -> Tensor:
    """An example as a tensor.

    Args:
        example:
            A batch of inputs.

    Raises:
        TypeError:
            If it is no tensor or array of numbers.
        ValueError:
            If it has no row.
    """
    try:
        batch = torch.as_tensor(example)
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(
            "example must be a tensor or an array of numbers, a batch of inputs, but is "
            f"{type(example).__name__}: {error}"
        ) from None
    if batch.ndim == 0 or len(batch) == 0:
        raise ValueError(
            f"example must hold at least one row, but has shape {tuple(batch.shape)}."
        )
    return batch


def _rows(example: Any, batch_size: int, device: torch.device) -> Tensor:
    batch = checked_batch(example)
    if batch.device.type not in ("cpu", device.type):
        raise ValueError(
            f"example must be on the CPU or on the device, {str(device)!r}, but is on "
            f"{str(batch.device)!r}."
        )
    rows = torch.arange(batch_size, device=batch.device) % len(batch)
    # Indexed, so that no view takes the whole batch along to each worker.
    return batch.detach()[rows].cpu().contiguous()
