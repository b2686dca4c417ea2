"""The weights that proxies are about, and their gradients."""

from __future__ import annotations

import torch
from torch import nn
from torch import Tensor

from optuna_nas.proxies._batch import Batch
from optuna_nas.proxies._scored import run


def weights_of(module: nn.Module) -> list[nn.Parameter]:
    """The matrices and kernels that are trained; no biases, no scales.

    In a network of convolutions and linear layers these are the ones that published code takes;
    attention's, recurrent layers' and embeddings' are among them too.

    Args:
        module:
            The network.

    Raises:
        RuntimeError:
            If there are none.
    """
    weights = [p for p in module.parameters() if p.ndim > 1 and p.requires_grad]
    if not weights:
        raise RuntimeError("the network has no weights that take a gradient")
    return weights


def gradients(
    module: nn.Module, batch: Batch, weights: list[nn.Parameter], *, graph: bool = False
) -> list[Tensor]:
    """The gradient of the loss by each weight; zeros for one that is not used.

    Args:
        module:
            The network.
        batch:
            With targets.
        weights:
            Some of its parameters.
        graph:
            Whether gradients can be differentiated again.
    """
    loss = batch.loss(run(module, batch.inputs))
    slopes = torch.autograd.grad(loss, weights, create_graph=graph, allow_unused=True)
    return filled(slopes, weights)


def filled(slopes: tuple[Tensor | None, ...], like: list[nn.Parameter]) -> list[Tensor]:
    """Gradients, zeros where there is none.

    Args:
        slopes:
            What autograd gave.
        like:
            What it was asked for.
    """
    return [
        torch.zeros_like(weight) if slope is None else slope
        for slope, weight in zip(slopes, like, strict=True)
    ]


def total(parts: list[Tensor]) -> Tensor:
    """The sum of scalars.

    Args:
        parts:
            At least one.
    """
    return torch.stack(parts).sum()
