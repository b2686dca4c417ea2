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
    The projections inside ``nn.MultiheadAttention`` cannot be seen, and do not count. Rows may be
    the second dimension inside, as with ``batch_first=False``; if a linear layer is then given as
    many steps as rows, it is not known which are which, and the network is not scored. A network
    that puts its steps first by itself is scored right only if they are no multiple of its rows.

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
    layers: list[tuple[Tensor, int, int, float]] = []
    steps_first = any(getattr(part, "batch_first", True) is False for part in module.modules())

    def keep(name: str, args: Sequence[Any], call: Callable[[], Any]) -> Any:
        given = call()
        a = given if isinstance(given, Tensor) else given[0]
        if a.requires_grad:
            channels = 1 if name in CONVOLUTIONS else -1
            rows = _rows(name, args, a, len(batch), steps_first)
            size = sum(weight.numel() for weight in _weights(name, args))
            layers.append((a, rows, channels, size / a.shape[channels]))
        return given

    with Calls(keep, CONVOLUTIONS | CELLS | RECURRENT | {"linear"}):
        loss = batch.loss(run(module, batch.inputs))
    if not layers:
        raise RuntimeError("the network has no convolution, linear or recurrent layer")
    slopes = torch.autograd.grad(loss, [a for a, *_ in layers], allow_unused=True)
    return total(
        [
            weights * _saliency(a.detach() * slope, rows, channels)
            for (a, rows, channels, weights), slope in zip(layers, slopes, strict=True)
            if slope is not None
        ]
    )


def _weights(name: str, args: Sequence[Any]) -> Sequence[Tensor]:
    """Those that a layer's function was called with; no biases."""
    if name in RECURRENT:
        return [weight for weight in args[2] if weight.ndim > 1]
    return args[2:4] if name in CELLS else args[1:2]


def _rows(name: str, args: Sequence[Any], a: Tensor, n: int, steps_first: bool) -> int:
    """Which dimension of what a layer gives are the n rows."""
    if name in RECURRENT:
        if isinstance(args[3], Sequence):  # the weights, after the sizes of the steps
            raise RuntimeError("the rows of a packed sequence cannot be told apart")
        return 0 if args[-1] else 1  # batch_first
    if name != "linear" or a.ndim < 3 or a.shape[1] != n:
        return 0
    if steps_first and a.shape[0] == n:
        raise RuntimeError(
            f"a linear layer was given as many steps as rows ({n}), which cannot be told apart: "
            "score networks on another number of rows"
        )
    return 1 if steps_first or a.shape[0] % n else 0  # others may be folded into the rows


def _saliency(product: Tensor, rows: int, channels: int) -> Tensor:
    """Of all channels of a layer, by the dimensions of rows and channels."""
    each = product if product.ndim > 1 else product[None]
    each = each.movedim((rows, channels), (0, 1))
    each = each.flatten(2).sum(2) if each.ndim > 2 else each
    return each.square().mean(0).sum() / 2
