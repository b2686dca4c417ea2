"""A smaller network's tensors as slices of the largest's: leading entries, and kernels' centres.

    w'[o, i] = w[o, i]                          for o < c_out', i < c_in'
    w'[o, i] = M centre(w[o, i])                for a smaller kernel, M shared by all o, i

Cai et al. 2020, https://arxiv.org/abs/1908.09791, sec. 3.3.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from typing import TypeAlias

import torch
from torch import nn
from torch import Tensor
from torch.nn.modules.conv import _ConvNd


Shrink: TypeAlias = Callable[[Tensor, Sequence[int]], Tensor]
"""From kernels ``[out, in, *large]`` and a size to kernels ``[out, in, *size]``."""


def tensors_of(module: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Yields parameters and buffers with their names, each tensor once.

    Args:
        module:
            The network.
    """
    yield from module.named_parameters()
    yield from module.named_buffers()


def convolutions_of(module: nn.Module) -> frozenset[str]:
    """Returns the names of the tensors whose dimensions from the third on are a kernel's.

    Args:
        module:
            The network.
    """
    parts = module.named_modules()
    names = (name for name, part in parts if isinstance(part, _ConvNd))
    return frozenset(f"{name}.weight" if name else "weight" for name in names)


def constants_of(module: nn.Module) -> frozenset[str]:
    """Returns the names of buffers that are not saved: tables that follow from sizes, as a rule.

    A slice of the largest network's would be another table, and would be lost with the next
    ``state_dict``. So they are not shared.

    Args:
        module:
            The network.
    """
    return frozenset(
        f"{name}.{buffer}" if name else buffer
        for name, part in module.named_modules()
        for buffer in part._non_persistent_buffers_set
    )


def without_memory(module: nn.Module) -> nn.Module:
    """Puts a module on the meta device, but for buffers that are not saved; returns it.

    What two modules share stays shared, which ``module.to("meta")`` would end.

    Args:
        module:
            The network.
    """
    constants = constants_of(module)
    empty = {id(x): _empty(x) for name, x in tensors_of(module) if name not in constants}
    for part in module.modules():
        for name, x in [*part._parameters.items(), *part._buffers.items()]:
            if id(x) in empty:
                setattr(part, name, empty[id(x)])
    return module


def fits(shape: Sequence[int], whole: Sequence[int], is_kernel: bool) -> bool:
    """Returns whether a tensor of one shape is a slice of one of another.

    Args:
        shape:
            Of the smaller network.
        whole:
            Of the largest.
        is_kernel:
            Whether they are kernels, which have a common centre only if their sizes differ by an
            even number.
    """
    if len(shape) != len(whole) or any(n > m for n, m in zip(shape, whole, strict=True)):
        return False
    sides = zip(shape[2:], whole[2:], strict=True) if is_kernel else ()
    return all((m - n) % 2 == 0 for n, m in sides)


def centre(kernels: Tensor, size: Sequence[int]) -> Tensor:
    """Returns the middle of kernels, a view.

    Args:
        kernels:
            ``[out, in, *large]``.
        size:
            One number for each dimension of ``large``.
    """
    for dim, side in enumerate(size, 2):
        kernels = kernels.narrow(dim, (kernels.shape[dim] - side) // 2, side)
    return kernels


def cut(source: Tensor, like: Tensor, shrink: Shrink | None = None) -> Tensor:
    """Returns a slice of one of the largest's tensors.

    It is a view where it can be; so statistics, which are buffers, are updated in place. A
    parameter is copied if a view's strides are not those that it has in the smaller network,
    since on them it depends which of several algorithms torch takes.

    Args:
        source:
            Of the largest network.
        like:
            Of the smaller one, on any device: only its shape and its strides count.
        shrink:
            How kernels become smaller; None for other tensors.
    """
    if source.shape == like.shape:
        return source
    if shrink is None:
        part = source[tuple(map(slice, like.shape))]
    else:
        part = shrink(source[: like.shape[0], : like.shape[1]], like.shape[2:])
    if isinstance(source, nn.Parameter) and part.stride() != like.stride():
        empty = torch.empty_strided(
            like.shape, like.stride(), dtype=part.dtype, device=part.device
        )
        return empty.copy_(part)
    return part


def _empty(tensor: Tensor) -> Tensor:
    meta = tensor.detach().to("meta")
    is_parameter = isinstance(tensor, nn.Parameter)
    return nn.Parameter(meta, requires_grad=tensor.requires_grad) if is_parameter else meta
