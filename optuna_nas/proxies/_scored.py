"""``scored``: what all proxies share. They work on a copy, so that the network stays as it was.

The copy trains, as published: BatchNorm takes the batch's statistics. Only dropout is off.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
import copy as copying
from functools import wraps
import math
from typing import Any
from typing import TypeAlias

import torch
from torch import nn
from torch import Tensor

from optuna_nas.proxies._batch import Batch
from optuna_nas.proxies._batch import checked_batch
from optuna_nas.proxies._calls import Calls
from optuna_nas.proxies._calls import DROPOUTS
from optuna_nas.proxies._calls import passed_by


CANNOT_BE_RUN = (
    RuntimeError,
    ValueError,
    AssertionError,
    IndexError,
    ArithmeticError,
    MemoryError,
)
"""What a network raises for a batch that does not suit it; any other error is a bug."""

Score: TypeAlias = Callable[[nn.Module, Any], float]
"""``(module, batch) -> float``; more is better."""


class Unscored(float):
    """Minus infinity: the score of a network that cannot be scored.

    Args:
        reason:
            Why, in words.
    """

    reason: str

    def __new__(cls, reason: str) -> Unscored:
        score = super().__new__(cls, -math.inf)
        score.reason = reason
        return score

    def __getnewargs__(self) -> tuple[str]:  # type: ignore[override]
        return (self.reason,)


def scored(*, labels: bool) -> Callable[[Callable[[nn.Module, Batch], Tensor]], Score]:
    """Makes a proxy of a formula.

    Args:
        labels:
            Whether it needs targets; the proxy says so in ``needs_labels``.
    """

    def decorate(formula: Callable[[nn.Module, Batch], Tensor]) -> Score:
        @wraps(formula)
        def proxy(module: nn.Module, batch: Any) -> float:
            checked = checked_batch(batch, formula.__name__, labels=labels)
            _check_module(module, checked, formula.__name__)
            with _own_rng(), torch.enable_grad(), Calls(passed_by, DROPOUTS):
                try:
                    copy = _copy(module)
                    score = formula(copy, checked.cast(copy)).item()
                except CANNOT_BE_RUN as error:
                    return Unscored(f"{formula.__name__}: {error}")
            if not math.isfinite(score):
                return Unscored(f"{formula.__name__} is {score}")
            return score

        vars(proxy)["needs_labels"] = labels
        return proxy

    return decorate


def run(module: nn.Module, inputs: tuple[Tensor, ...]) -> Tensor:
    """A network's outputs.

    Args:
        module:
            The copy.
        inputs:
            The arguments of its ``forward``.

    Raises:
        RuntimeError:
            If it gives no tensor.
    """
    outputs = module(*inputs)
    if not isinstance(outputs, Tensor):
        raise RuntimeError(f"the network gave no tensor, but {type(outputs).__name__}")
    return outputs


def _check_module(module: Any, batch: Batch, name: str) -> None:
    if not isinstance(module, nn.Module):
        raise TypeError(f"{name}: module must be an nn.Module, but is {type(module).__name__}.")
    first = next(module.parameters(), None)
    if first is None:
        raise ValueError(f"{name}: module {type(module).__name__} has no parameters to score.")
    if batch.inputs[0].device != first.device:
        raise ValueError(
            f"{name}: batch must be on the module's device, {str(first.device)!r}, but is on "
            f"{str(batch.inputs[0].device)!r}."
        )


def _copy(module: nn.Module) -> nn.Module:
    # What is computed from parameters refuses to be copied.
    held = (value for part in module.modules() for value in vars(part).values())
    memo: dict[int, Any] = {
        id(x): x.detach().clone() for x in held if isinstance(x, Tensor) and not x.is_leaf
    }
    try:
        copy = copying.deepcopy(module, memo).train()
    except (TypeError, copying.Error, *CANNOT_BE_RUN) as error:
        raise RuntimeError(f"the network cannot be copied: {error}") from error
    for part in copy.modules():
        if isinstance(part, nn.MultiheadAttention | nn.RNNBase):  # whose own is no call
            part.dropout = 0.0
    return copy


@contextmanager
def _own_rng() -> Iterator[None]:
    """The same random numbers each time, and none that others would have drawn."""
    in_use = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
    with torch.random.fork_rng(devices=range(torch.cuda.device_count()) if in_use else ()):
        torch.manual_seed(0)
        yield
