"""Gradients of second order for the gates, and steps along given gradients.

The second order (DARTS, eqs. 7 and 8) looks a step ahead, since weights follow the gates::

    w' = w - xi * dL_train(w, a)/dw
    v  = dL_valid(w', a)/dw'
    dL_valid(w', a)/da - xi * (dL_train(w + eps v, a)/da - dL_train(w - eps v, a)/da) / (2 eps)
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch import Tensor


EPSILON = 0.01


def second_order(
    train_loss: Callable[[], Tensor],
    valid_loss: Callable[[], Tensor],
    gates: Sequence[Tensor],
    optimizer: torch.optim.Optimizer,
    module: nn.Module,
) -> tuple[Tensor, ...]:
    """Returns the gradient through one step of the weights, by finite differences.

    It is eqs. 7 and 8 of DARTS (Liu et al. 2019, https://arxiv.org/abs/1806.09055), with epsilon
    0.01 / |v|. As in the authors' code, the step ahead has the optimizer's momentum and weight
    decay. Weights and buffers are afterwards exactly what they were.

    Args:
        train_loss:
            Of the present weights on one batch; with the same noise each time.
        valid_loss:
            Likewise.
        gates:
            The logits.
        optimizer:
            Of the weights: its learning rates are xi.
        module:
            What holds the weights.
    """
    groups = [(group, w) for group in optimizer.param_groups for w in group["params"]]
    weights = [w for _, w in groups]
    with _restored((*weights, *module.buffers())):
        ahead = [
            _direction(optimizer, group, w, slope)
            for (group, w), slope in zip(groups, _gradient(train_loss(), weights), strict=True)
        ]
        _move(weights, ahead, -1.0)
        gradient = _gradient(valid_loss(), [*gates, *weights])
        direct = gradient[: len(gates)]
        v = [g["lr"] * slope for (g, _), slope in zip(groups, gradient[len(gates) :], strict=True)]
        norm = torch.stack([slope.norm() for slope in v]).norm()
        if norm == 0:
            return direct
        epsilon = EPSILON / float(norm)
        _move(weights, ahead, 1.0)
        _move(weights, v, epsilon)
        above = _gradient(train_loss(), gates)
        _move(weights, v, -2 * epsilon)
        below = _gradient(train_loss(), gates)
    return tuple(d - (a - b) / (2 * epsilon) for d, a, b in zip(direct, above, below, strict=True))


def _direction(
    optimizer: torch.optim.Optimizer, group: dict[str, Any], weight: Tensor, slope: Tensor
) -> Tensor:
    """What SGD would subtract from a weight."""
    step = slope + group.get("weight_decay", 0.0) * weight.detach()
    moment = optimizer.state[weight].get("momentum_buffer") if weight in optimizer.state else None
    if moment is not None:
        step = step + group["momentum"] * moment
    ahead: Tensor = step * group["lr"]
    return ahead


def _gradient(loss: Tensor, tensors: Sequence[Tensor]) -> tuple[Tensor, ...]:
    return torch.autograd.grad(loss, tensors, allow_unused=True, materialize_grads=True)


def _move(weights: Iterable[Tensor], directions: Iterable[Tensor], by: float) -> None:
    with torch.no_grad():
        for weight, direction in zip(weights, directions, strict=True):
            weight.add_(direction, alpha=by)


@contextmanager
def _restored(tensors: Iterable[Tensor]) -> Iterator[None]:
    before = [(tensor, tensor.detach().clone()) for tensor in tensors]
    try:
        yield
    finally:
        with torch.no_grad():
            for tensor, value in before:
                tensor.copy_(value)


def step(
    optimizer: torch.optim.Optimizer,
    parameters: Sequence[Tensor],
    slopes: Sequence[Tensor | None],
    clip_norm: float | None = None,
) -> None:
    """One step with given gradients. What was not computed has none and stays as it is.

    Args:
        optimizer:
            Of the parameters.
        parameters:
            What moves.
        slopes:
            The gradient of each, or None.
        clip_norm:
            The largest norm of all gradients together; None for any.
    """
    for parameter, slope in zip(parameters, slopes, strict=True):
        parameter.grad = slope
    if clip_norm is not None:
        nn.utils.clip_grad_norm_(parameters, clip_norm)
    optimizer.step()
    optimizer.zero_grad()
