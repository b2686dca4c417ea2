"""``structure``: what two modules must share for their weights to be trained as one tensor."""

from __future__ import annotations

from collections.abc import Hashable
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import nn


OF_MODULES = frozenset(vars(nn.Module()))
"""Attributes that every module has, hooks among them."""

RATES: dict[type[nn.Module], str] = {nn.Dropout: "p"}
"""Attributes that may differ within a stack, by the exact type of their module."""

PLAIN = (type(None), bool, int, float, str, torch.dtype, torch.device)


@dataclass(frozen=True, eq=False)
class Same:
    """Equal to what holds the very same object.

    Args:
        value:
            Anything.
    """

    value: Any

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and self.value is other.value

    def __hash__(self) -> int:
        return id(self.value)


def structure(module: nn.Module) -> Hashable:
    """What is equal for modules that compute the same but for weights and rates of dropout.

    It holds each submodule's name, type and attributes; and each tensor's name, shape, type, and
    with which other one it is shared.

    Args:
        module:
            Any.
    """
    parts: list[Hashable] = []
    names: dict[int, str] = {}
    for name, part in module.named_modules(remove_duplicate=False):
        parts.append((name, names.setdefault(id(part), name), *attributes(part)))
    for name, tensor in tensors(module):
        first = names.setdefault(id(tensor), name)
        parts.append((name, first, tensor.shape, tensor.dtype, tensor.requires_grad))
    return tuple(parts)


def tensors(module: nn.Module) -> list[tuple[str, torch.Tensor]]:
    """Parameters and buffers by name; those that are held twice, twice.

    Args:
        module:
            Any.
    """
    parameters = module.named_parameters(remove_duplicate=False)
    return [*parameters, *module.named_buffers(remove_duplicate=False)]


def attributes(module: nn.Module, leave_out: tuple[str, ...] = ()) -> tuple[Hashable, ...]:
    """A module's type, and what its own attributes are.

    Args:
        module:
            Any; not what it holds.
        leave_out:
            Names of attributes that do not matter.
    """
    kind = type(module)
    ignored = {*OF_MODULES, *leave_out, RATES.get(kind)}
    own = {name: value for name, value in vars(module).items() if name not in ignored}
    return Same(kind), token(own)


def token(value: Any) -> Hashable:
    """Something to compare a value by: by content where that is sure, else by identity.

    Args:
        value:
            Anything.
    """
    if isinstance(value, PLAIN):
        return type(value), value
    if isinstance(value, tuple | list):
        return type(value), *map(token, value)
    if isinstance(value, Mapping):
        return type(value), *((name, token(value[name])) for name in sorted(value, key=str))
    if isinstance(value, partial):
        return partial, token(value.func), token(value.args), token(value.keywords)
    return Same(value)


def why_not(module: nn.Module) -> str | None:
    """Why a module cannot be part of a stack, as far as it can be seen; else None.

    Args:
        module:
            Any.
    """
    for part in module.modules():
        kind = type(part).__name__
        if isinstance(part, nn.RNNBase | nn.RNNCellBase):
            return f"torch.vmap has no rule for {kind}"
        if any(value for name, value in vars(part).items() if name.endswith("_hooks")):
            return f"{kind} has hooks"
    return None
