"""New layers that begin as the identity, so that a deeper network computes the same."""

from __future__ import annotations

from collections.abc import Container
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn
from torch import Tensor

from optuna_nas.training._morphism_layers import CONVOLUTIONS
from optuna_nas.training._morphism_layers import Layer
from optuna_nas.training._morphism_layers import layers_of


BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
LINEAR = (nn.Linear, nn.LayerNorm, *CONVOLUTIONS, *BATCH_NORMS)
"""Layers that give zero where their parameters are zero."""


def identity(module: nn.Module, layer: Layer, continued: Container[str]) -> dict[str, Tensor]:
    """Returns tensors with which a layer gives what comes in; if it widens, some of it twice.

    Nothing if it cannot, or if it came with a path of its own: beside another path, the sum of
    the two would be another function. Batch normalisation is one in eval mode only; see
    :func:`undo_normalization`.

    Args:
        module:
            The network.
        layer:
            One of its layers.
        continued:
            The names of layers that are not new.
    """
    if not _came_into_a_sequence(module, layer.name, continued):
        return {}
    part: Any = module.get_submodule(layer.name)
    if type(part) is nn.Linear or (type(part) in CONVOLUTIONS and _keeps_size(part)):
        weight = _copying(part.weight)
        bias = {} if part.bias is None else {layer.tensor("bias"): torch.zeros(len(weight))}
        return {layer.tensor("weight"): weight, **bias}
    if type(part) in BATCH_NORMS and part.affine and part.running_var is not None:
        features = part.num_features
        return {
            layer.tensor("weight"): torch.full((features,), (1 + part.eps) ** 0.5),
            layer.tensor("bias"): torch.zeros(features),
            layer.tensor("running_mean"): torch.zeros(features),
            layer.tensor("running_var"): torch.ones(features),
        }
    return {}


def silence(
    module: nn.Module, layer: Layer, continued: Container[str]
) -> dict[str, Tensor] | None:
    """Returns tensors with which a new residual block adds nothing; None for other layers.

    The block is the identity then, in training too (Goyal et al. 2017, "Accurate, large minibatch
    SGD", https://arxiv.org/abs/1706.02677, sec. 5.1). Its last layer becomes zero; those before it
    need nothing. A block has the children ``body`` and ``shortcut``, as ``ops.Residual``. If the
    body ends in an activation, zeros would have no gradient, and it is none of these blocks.

    Args:
        module:
            The network.
        layer:
            One of its layers, which is new.
        continued:
            The names of layers that are not new.
    """
    name = _block_of(module, layer.name)
    if name is None or not _came_into_a_sequence(module, name, continued):
        return None
    block: Any = module.get_submodule(name)
    last = [*block.body.modules()][-1]
    if type(block.shortcut) is not nn.Identity or type(last) not in LINEAR:
        return None
    if any(f"{name}.{part.name}" in continued for part in layers_of(block)):
        return None
    if module.get_submodule(layer.name) is not last:
        return {}
    return {layer.tensor(n): torch.zeros(x.shape) for n, x in last.named_parameters()}


def undo_normalization(module: nn.Module, copying: Sequence[str], inputs: Tensor) -> None:
    """Makes new batch normalisations the identity in training too, as far as rows tell.

    Their statistics are those of what comes in, and scale and shift undo them (Chen et al. 2016,
    sec. 2.4). The network is left in eval mode.

    Args:
        module:
            The network, with the new layers as the identity.
        copying:
            The names of the new layers; those of other kinds are passed over.
        inputs:
            Rows of X on the network's device.
    """
    parts: list[Any] = [module.get_submodule(name) for name in copying]
    norms = [part for part in parts if type(part) in BATCH_NORMS]
    if not norms:
        return
    hooks = [norm.register_forward_pre_hook(_set_statistics) for norm in norms]
    try:
        with torch.no_grad():
            module.eval()(inputs)
    finally:
        for hook in hooks:
            hook.remove()


def _set_statistics(norm: Any, inputs: tuple[Tensor, ...]) -> None:
    x = inputs[0]
    over = [dim for dim in range(x.ndim) if dim != 1]
    var, mean = torch.var_mean(x, dim=over, correction=0)
    norm.running_mean.copy_(mean)
    norm.running_var.copy_(var)
    norm.weight.copy_((var + norm.eps).sqrt())
    norm.bias.copy_(mean)


def _copying(weight: Tensor) -> Tensor:
    """Weights ``[out, in, *kernel]`` with which feature o is what comes in as o modulo in."""
    x = torch.zeros(weight.shape)
    out = torch.arange(len(x))
    centre = tuple(side // 2 for side in weight.shape[2:])
    x.permute(*range(2, x.ndim), 0, 1)[centre][out, out % weight.shape[1]] = 1.0
    return x


def _keeps_size(part: Any) -> bool:
    sides = part.kernel_size
    same = tuple(d * (side // 2) for d, side in zip(part.dilation, sides, strict=True))
    return (
        all(side % 2 for side in sides)
        and max(part.stride) == 1
        and part.padding in ("same", same)
        and part.groups in (1, part.in_channels)
        and (part.groups == 1 or part.in_channels == part.out_channels)
    )


def _block_of(module: nn.Module, name: str) -> str | None:
    """The innermost residual block around a layer."""
    while name:
        name = name.rpartition(".")[0]
        children = {child for child, _ in module.get_submodule(name).named_children()}
        if children == {"body", "shortcut"}:
            return name
    return None


def _came_into_a_sequence(module: nn.Module, name: str, continued: Container[str]) -> bool:
    """Whether only sequences lie between a layer and what was there before."""
    while name:
        name = name.rpartition(".")[0]
        parent = module.get_submodule(name)
        if type(parent) is not nn.Sequential:
            return False
        prefix = f"{name}." if name else ""
        if any(prefix + layer.name in continued for layer in layers_of(parent)):
            return True
    return False
