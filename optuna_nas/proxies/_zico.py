"""``zico``: how steady gradients are from batch to batch."""

from __future__ import annotations

import torch
from torch import nn
from torch import Tensor

from optuna_nas.proxies._batch import Batch
from optuna_nas.proxies._scored import scored
from optuna_nas.proxies._weights import gradients
from optuna_nas.proxies._weights import total
from optuna_nas.proxies._weights import weights_of


@scored(labels=True)
def zico(module: nn.Module, batch: Batch) -> Tensor:
    """``sum_l log sum_w mean |dL/dw| / std dL/dw``, mean and deviation over two batches.

    They are the two halves of the batch. It takes a forward and a backward pass of each.

    Source: Li et al. 2023, https://arxiv.org/abs/2301.11300, eq. 15.

    Args:
        module:
            The network; it is left as it was.
        batch:
            ``(inputs, targets)`` on the module's device, at least four rows.

    Returns:
        Any number; :class:`Unscored` if it cannot be computed.

    Raises:
        TypeError:
            If the batch is something else.
        ValueError:
            If it is empty, without targets or on another device, or the module has no parameters.
    """
    if len(batch) < 4:
        raise RuntimeError(f"two halves take at least four rows, but there are {len(batch)}")
    assert batch.targets is not None
    weights = weights_of(module)
    middle = len(batch) // 2
    first = Batch(tuple(x[:middle] for x in batch.inputs), batch.targets[:middle])
    second = Batch(tuple(x[middle:] for x in batch.inputs), batch.targets[middle:])
    pairs = zip(gradients(module, first, weights), gradients(module, second, weights), strict=True)
    steadiness = [_steadiness(torch.stack(pair)) for pair in pairs]
    steady = [value.log() for value in steadiness if value > 0]
    if not steady:
        raise RuntimeError("no gradient differs from batch to batch")
    return total(steady)


def _steadiness(slopes: Tensor) -> Tensor:
    mean, deviation = slopes.abs().mean(0), slopes.std(0, correction=0)
    return (mean / deviation)[deviation > 0].sum()
