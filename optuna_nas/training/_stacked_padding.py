"""Padding: multilayer perceptrons of unequal widths become one shape.

Zeros do it without a mask. A unit whose weights in and out are zero gives zero, since each
activation here keeps zero; so its gradients are zero too, and the optimizer leaves it there.
"""

from __future__ import annotations

from collections.abc import Hashable
from collections.abc import Sequence

import torch
from torch import nn
from torch import Tensor
from torch.nn import functional as F

from optuna_nas.training._stacked_structure import attributes
from optuna_nas.training._stacked_structure import tensors


SIZES: dict[type[nn.Module], tuple[str, ...]] = {
    nn.Linear: ("in_features", "out_features"),
    nn.BatchNorm1d: ("num_features",),
}
"""Modules whose shapes may differ, and the attributes that say so."""

KEEP_ZERO = (
    nn.Dropout,
    nn.ELU,
    nn.Flatten,
    nn.GELU,
    nn.Identity,
    nn.LeakyReLU,
    nn.ReLU,
    nn.SiLU,
    nn.Tanh,
)
"""Modules without weights that give zero for a unit that is zero."""


def padded_structure(module: nn.Module) -> Hashable | None:
    """What is equal for modules that can be padded to one shape; None if this one cannot be.

    Containers with a forward of their own are taken too. Whether padding is right for them is for
    a comparison of outputs to say, and for a step, which must leave it zero.

    Args:
        module:
            Any.
    """
    parts: list[Hashable] = []
    names: dict[int, str] = {}
    for name, part in module.named_modules(remove_duplicate=False):
        if not _can_be_padded(part):
            return None
        first = names.setdefault(id(part), name)
        parts.append((name, first, *attributes(part, SIZES.get(type(part), ()))))
    for name, tensor in tensors(module):
        first = names.setdefault(id(tensor), name)
        parts.append((name, first, tensor.ndim, tensor.dtype, tensor.requires_grad))
    return tuple(parts)


def stacked(parts: Sequence[Tensor]) -> Tensor:
    """The tensors as one, ``[k, ...]``, with zeros where one is smaller than another.

    Args:
        parts:
            k tensors with as many dimensions.
    """
    if all(part.shape == parts[0].shape for part in parts):
        # vmap has no fast rule for pooling what weights in channels_last give.
        return torch.stack([part.clone(memory_format=torch.contiguous_format) for part in parts])
    shape = [max(sizes) for sizes in zip(*(part.shape for part in parts), strict=True)]
    return torch.stack([_padded(part, shape) for part in parts])


def cut(tensor: Tensor, like: Tensor) -> Tensor:
    """What a padded tensor was before.

    Args:
        tensor:
            At least as large on each side.
        like:
            Of the shape to cut out.
    """
    return tensor[tuple(slice(size) for size in like.shape)]


def _can_be_padded(part: nn.Module) -> bool:
    if type(part) in SIZES or type(part) in KEEP_ZERO:
        return True
    holds_tensors = any(True for _ in part.parameters(recurse=False))
    return (
        not holds_tensors
        and not any(True for _ in part.buffers(recurse=False))
        and (any(True for _ in part.children()))
    )


def _padded(tensor: Tensor, shape: Sequence[int]) -> Tensor:
    missing = [size - there for size, there in zip(shape, tensor.shape, strict=True)]
    return F.pad(tensor, [side for size in reversed(missing) for side in (0, size)])
