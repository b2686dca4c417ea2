"""``zen``: how strongly random networks of this architecture react to a small change. No data."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn
from torch import Tensor

from optuna_nas.proxies._batch import Batch
from optuna_nas.proxies._calls import Calls
from optuna_nas.proxies._scored import run
from optuna_nas.proxies._scored import scored
from optuna_nas.proxies._weights import weights_of


CHANGE = 0.01
"""The paper's alpha."""


@scored(labels=False)
def zen(module: nn.Module, batch: Batch) -> Tensor:
    """``log E |f(x + a e) - f(x)| + sum_l log sigma_l``, with x, e and all weights normal numbers.

    f is what stands before global pooling (the last adaptive pooling's or ``mean``'s input; else
    the last linear layer's; else the output), and sigma_l the mean deviation of what BatchNorm l
    takes, which puts back what it took out. It takes two forward passes. The authors also cut
    residual connections, which cannot be done to any network; scores differ from theirs there.

    Source: Lin et al. 2021, https://arxiv.org/abs/2102.01063, sec. 3.2, algorithm 1.

    Args:
        module:
            The network; it is left as it was.
        batch:
            ``(inputs, targets)`` on the module's device; of inputs only the shape matters, and
            targets may be None.

    Returns:
        Any number; :class:`Unscored` if nothing changes, or inputs are integers.

    Raises:
        TypeError:
            If the batch is something else.
        ValueError:
            If it is empty or on another device, or the module has no parameters.
    """
    if not all(x.is_floating_point() for x in batch.inputs):
        raise RuntimeError("the inputs are integers, which cannot be changed a little")
    with torch.no_grad():
        for weight in weights_of(module):
            weight.normal_()
        inputs = [torch.randn_like(x) for x in batch.inputs]
        features, deviations = _features(module, tuple(inputs))
        changed, _ = _features(module, tuple(x + CHANGE * torch.randn_like(x) for x in inputs))
        difference = (features - changed).flatten(1).abs().sum(1).mean()
        return difference.log() + sum(deviation.log() for deviation in deviations)


def _features(module: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, list[Tensor]]:
    pooled: list[Tensor] = []
    linear: list[Tensor] = []
    deviations: list[Tensor] = []

    def watch(name: str, args: Sequence[Any], call: Callable[[], Any]) -> Any:
        x = args[0]
        if name == "batch_norm":
            deviation = x.transpose(0, 1).flatten(1).var(1).mean().sqrt()
            if deviation > 0:  # else nothing reaches this layer
                deviations.append(deviation)
        elif name == "linear":
            linear[:] = [x]
        elif x.ndim > 2:
            pooled[:] = [x]
        return call()

    pools = {f"adaptive_avg_pool{d}d" for d in (1, 2, 3)}
    with Calls(watch, frozenset({"batch_norm", "linear", "mean", *pools})):
        outputs = run(module, inputs)
    return (pooled or linear or [outputs])[0], deviations
