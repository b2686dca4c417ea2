"""``fisher``: how much the loss would change if channels were cut."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn
from torch import Tensor

from optuna_nas.proxies._batch import Batch
from optuna_nas.proxies._calls import Calls
from optuna_nas.proxies._calls import CELLS
from optuna_nas.proxies._calls import CONVOLUTIONS
from optuna_nas.proxies._calls import RECURRENT
from optuna_nas.proxies._scored import run
from optuna_nas.proxies._scored import scored
from optuna_nas.proxies._weights import total


@scored(labels=True)
def fisher(module: nn.Module, batch: Batch) -> Tensor:
    """The sum over channels c of ``m_c / 2 mean_n (sum_positions a_nc dL/da_nc)^2``.

    The activations a are what convolutions, linear and recurrent layers give, and m_c is how many
    weights a channel has: as in the code of Abdelfattah et al., each weight counts, with what its
    channel is worth, once for each call of its layer. It takes one forward and one backward pass.
    The projections inside ``nn.MultiheadAttention`` cannot be seen, and do not count.

    Source: Theis et al. 2018, https://arxiv.org/abs/1801.05787, eq. 5, as BlockSwap (Turner et al.
    2020, https://arxiv.org/abs/1906.04113, eq. 2), summed as in Abdelfattah et al. 2021,
    https://arxiv.org/abs/2101.08134, sec. 3.2.

    Args:
        module:
            The network; it is left as it was.
        batch:
            ``(inputs, targets)`` on the module's device.

    Returns:
        At least 0; :class:`Unscored` if it cannot be computed.

    Raises:
        TypeError:
            If the batch is something else.
        ValueError:
            If it is empty, without targets or on another device, or the module has no parameters.
    """
    layers: list[tuple[Tensor, bool, float]] = []

    def keep(name: str, args: Sequence[Any], call: Callable[[], Any]) -> Any:
        given = call()
        a = given if isinstance(given, Tensor) else given[0]
        if a.requires_grad:
            channels_first = name in CONVOLUTIONS
            size = sum(weight.numel() for weight in _weights(name, args))
            layers.append((a, channels_first, size / a.shape[1 if channels_first else -1]))
        return given

    with Calls(keep, CONVOLUTIONS | CELLS | RECURRENT | {"linear"}):
        loss = batch.loss(run(module, batch.inputs))
    if not layers:
        raise RuntimeError("the network has no convolution, linear or recurrent layer")
    slopes = torch.autograd.grad(loss, [a for a, _, _ in layers], allow_unused=True)
    return total(
        [
            weights * _saliency(a.detach() * slope, first)
            for (a, first, weights), slope in zip(layers, slopes, strict=True)
            if slope is not None
        ]
    )


def _weights(name: str, args: Sequence[Any]) -> Sequence[Tensor]:
    """Those that a layer's function was called with; no biases."""
    if name in RECURRENT:
        return [weight for weight in args[2] if weight.ndim > 1]
    return args[2:4] if name in CELLS else args[1:2]


def _saliency(product: Tensor, channels_first: bool) -> Tensor:
    """Of all channels of a layer, from ``[n, channels, ...]`` or ``[n, ..., channels]``."""
    if product.ndim > 2:
        product = product.flatten(2).sum(2) if channels_first else product.flatten(1, -2).sum(1)
    return product.square().mean(0).sum() / 2
