"""``without_weights``: a network on the meta device, where size costs nothing."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from torch import nn
from torch import Tensor


def without_weights(module: nn.Module) -> nn.Module:
    """A copy on the meta device, for which no weight is copied; what is shared stays shared."""
    memo = {id(tensor): _to_meta(tensor) for tensor in tensors_in(module, set())}
    return deepcopy(module, memo)


def tensors_in(held: Any, seen: set[int]) -> Iterator[Tensor]:
    """The tensors in a module: parameters, buffers, plain attributes, and lists of all these."""
    if id(held) in seen:
        return
    seen.add(id(held))
    if isinstance(held, Tensor):
        yield held
    elif isinstance(held, nn.Module):
        yield from tensors_in(vars(held), seen)
    elif isinstance(held, dict | list | tuple | set):
        for one in held.values() if isinstance(held, dict) else held:
            yield from tensors_in(one, seen)


def _to_meta(tensor: Tensor) -> Tensor:
    meta = tensor.detach().to("meta")
    if isinstance(tensor, nn.Parameter):
        return nn.Parameter(meta, requires_grad=tensor.requires_grad)
    return meta
