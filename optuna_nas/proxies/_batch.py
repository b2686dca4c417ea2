"""``Batch``: the rows that networks are scored on, checked once, and the loss on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch import Tensor
from torch.nn import functional as F


@dataclass(frozen=True)
class Batch:
    """Inputs and what they should give.

    Args:
        inputs:
            For each argument of ``forward``, a tensor ``[n, ...]``.
        targets:
            Classes ``[n, ...]`` as integers, or numbers to predict as floats; None without labels.
    """

    inputs: tuple[Tensor, ...]
    targets: Tensor | None = None

    def __len__(self) -> int:
        return len(self.inputs[0])

    def to(self, device: torch.device) -> Batch:
        """The same rows on a device."""
        targets = None if self.targets is None else self.targets.to(device)
        return Batch(tuple(x.to(device) for x in self.inputs), targets)

    def cast(self, module: nn.Module) -> Batch:
        """The same rows in a network's precision; integers stay as they are."""
        floats = (p.dtype for p in module.parameters() if p.is_floating_point())
        dtype = next(floats, torch.get_default_dtype())
        inputs = tuple(x.to(dtype) if x.is_floating_point() else x for x in self.inputs)
        targets = self.targets
        if targets is not None and targets.is_floating_point():
            targets = targets.to(dtype)
        return Batch(inputs, targets)

    def loss(self, outputs: Tensor) -> Tensor:
        """Cross entropy for classes, mean squared error for floats.

        Args:
            outputs:
                ``[n, C, ...]`` for classes ``[n, ...]``, and for floats what the targets are
                shaped; with one dimension more after the rows, several predictions a row.

        Raises:
            RuntimeError:
                If outputs and targets do not fit.
        """
        targets = self.targets
        assert targets is not None
        if outputs.ndim == targets.ndim + (1 if targets.is_floating_point() else 2):
            targets = targets.repeat_interleave(outputs.shape[1], 0)
            outputs = outputs.flatten(0, 1)
        if not targets.is_floating_point():
            return F.cross_entropy(outputs, targets.long())
        if outputs.shape != targets.shape:
            raise RuntimeError(
                f"the outputs have shape {tuple(outputs.shape)}, but the targets have "
                f"{tuple(targets.shape)}"
            )
        return F.mse_loss(outputs, targets)


def checked_batch(given: Any, name: str, *, labels: bool) -> Batch:
    """A user's batch.

    Args:
        given:
            ``(inputs, targets)``, tensors or arrays; inputs may be a tuple of several, and targets
            None. A :class:`Batch` is one too.
        name:
            The proxy's.
        labels:
            Whether it needs targets.

    Raises:
        TypeError:
            If it is something else.
        ValueError:
            If there is no row, or there are more targets than inputs or fewer, or none where
            labels are needed, or they are on several devices.
    """
    batch = given if isinstance(given, Batch) else _batch_of(given, name)
    sizes = {len(x) for x in (*batch.inputs, batch.targets) if x is not None}
    if sizes == {0}:
        raise ValueError(f"{name}: batch must hold at least one row, but is empty.")
    if len(sizes) > 1:
        raise ValueError(
            f"{name}: batch must have as many targets as inputs, but has {sorted(sizes)} rows."
        )
    if labels and batch.targets is None:
        raise ValueError(
            f"{name} needs labels, but batch has none: give (inputs, targets), or take a proxy "
            "that needs none (synflow, naswot, jacob_cov, zen, l2_norm)."
        )
    devices = sorted({str(x.device) for x in (*batch.inputs, batch.targets) if x is not None})
    if len(devices) > 1:
        raise ValueError(f"{name}: batch must be on one device, but is on {devices}.")
    return batch


def _batch_of(batch: Any, name: str) -> Batch:
    if hasattr(batch, "suggest_categorical"):
        raise TypeError(
            f"{name} takes a batch, but was given a trial: as an evaluator or a screen, write "
            f"Proxy({name}, batch)."
        )
    if not isinstance(batch, tuple | list) or len(batch) != 2:
        raise TypeError(
            f"{name}: batch must be (inputs, targets), where targets may be None, but is "
            f"{type(batch).__name__}{f' of {len(batch)}' if hasattr(batch, '__len__') else ''}."
        )
    inputs, targets = batch
    inputs = inputs if isinstance(inputs, tuple) else (inputs,)
    try:
        tensors = tuple(torch.as_tensor(x).detach() for x in inputs)
        labels = None if targets is None else torch.as_tensor(targets).detach()
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(
            f"{name}: batch must hold tensors or arrays of numbers, (inputs, targets): {error}"
        ) from None
    if not tensors or any(x.ndim == 0 for x in (*tensors, labels) if x is not None):
        raise TypeError(f"{name}: batch must hold rows, [n, ...], but holds a single number.")
    return Batch(tensors, labels)
