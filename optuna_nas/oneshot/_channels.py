"""Sorts channels by importance, so that smaller widths keep those that matter most.

    importance of channel c = sum of |w| over all weights w of the channel
    the order of importance -> every dimension that goes over these channels

Cai et al. 2020, https://arxiv.org/abs/1908.09791, sec. 3.3, elastic width. Which dimensions go
over the same channels is not declared anywhere. Those that shrink with the same decisions and have
the same size are taken as such, and a trial with random weights tells whether the network then
still computes the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
import copy
from typing import Any
from typing import TypeAlias

import torch
from torch import nn
from torch import Tensor

from optuna_nas.oneshot._largest import Change
from optuna_nas.oneshot._largest import Skeleton
from optuna_nas.oneshot._slices import constants_of
from optuna_nas.oneshot._slices import convolutions_of
from optuna_nas.oneshot._slices import tensors_of


Dimension: TypeAlias = tuple[str, int]
"""The name of a tensor, and which of its dimensions."""

Group: TypeAlias = Sequence[Dimension]

TOLERANCE = 1e5
"""Of outputs, in units of their precision, relative to the largest one."""

TRIALS = 3
"""With so many random weights an order is tried; with some, a channel may play no part."""


def shrinking(largest: Skeleton, changes: Iterable[Change]) -> dict[Dimension, frozenset[str]]:
    """Returns the dimensions that some choice makes smaller, and the decisions that do.

    Args:
        largest:
            The largest architecture.
        changes:
            What one other choice makes of it.
    """
    whole = largest.tensors
    kernels, constants = convolutions_of(largest.module), constants_of(largest.module)
    found: dict[Dimension, set[str]] = {}
    for change in changes:
        for name, tensor in change.skeleton.tensors.items():
            if name in constants or name not in whole:
                continue
            for dim, size in enumerate(tensor.shape[: 2 if name in kernels else None]):
                if size < whole[name].shape[dim]:
                    found.setdefault((name, dim), set()).add(change.name)
    return {dimension: frozenset(names) for dimension, names in found.items()}


def groups_of(
    module: nn.Module, shrinks: Mapping[Dimension, frozenset[str]]
) -> list[tuple[frozenset[str], Group]]:
    """Returns dimensions that shrink with the same decisions and have the same size.

    Args:
        module:
            The largest network.
        shrinks:
            From :func:`shrinking`.

    Returns:
        The decisions and the dimensions, for each such group.
    """
    tensors = dict(tensors_of(module))
    groups: dict[tuple[frozenset[str], int], list[Dimension]] = {}
    for (name, dim), names in shrinks.items():
        groups.setdefault((names, tensors[name].shape[dim]), []).append((name, dim))
    return [(names, group) for (names, _), group in groups.items()]


def sort_group(module: nn.Module, group: Group) -> None:
    """Puts the most important channels first.

    Args:
        module:
            The largest network.
        group:
            The dimensions that go over them.
    """
    tensors = dict(tensors_of(module))
    importance: Tensor | int = 0
    for name, dim in group:
        weight = tensors[name].detach()
        if isinstance(tensors[name], nn.Parameter) and weight.ndim > 1:
            importance = importance + weight.abs().transpose(0, dim).flatten(1).sum(1)
    if isinstance(importance, Tensor):
        _permute(tensors, group, importance.argsort(descending=True, stable=True))


@torch.no_grad()
def free_groups(module: nn.Module, groups: Iterable[Group], inputs: Sequence[Any]) -> list[Group]:
    """Returns the groups whose channels may be in any order: the network computes the same.

    It is tried on a copy with random weights, since with its own an output may be constant.

    Args:
        module:
            The network.
        groups:
            The dimensions that go over the same channels.
        inputs:
            Of a forward pass.

    Raises:
        TypeError:
            If there are such groups, and the network gives no tensor to compare.
    """
    generator = torch.Generator().manual_seed(0)
    inputs = [value.detach().cpu() if isinstance(value, Tensor) else value for value in inputs]
    free = list(groups)
    for _ in range(TRIALS if free else 0):
        probe = _random_copy(module, generator)
        tensors, expected = dict(tensors_of(probe)), probe(*inputs)
        _check_tensor(expected)
        nearly = TOLERANCE * torch.finfo(expected.dtype).eps * expected.abs().max()
        left = []
        for group in free:
            name, dim = group[0]
            order = torch.randperm(tensors[name].shape[dim], generator=generator)
            _permute(tensors, group, order)
            if (probe(*inputs) - expected).abs().max() <= nearly:
                left.append(group)
            _permute(tensors, group, order.argsort())
        free = left
    return free


def _check_tensor(outputs: Any) -> None:
    if not isinstance(outputs, Tensor):
        raise TypeError(
            "To see which channels may be sorted, outputs are compared, so the network must give "
            f"one tensor, but it gives {type(outputs).__name__}. Fix the decisions by which "
            "channels shrink, OnceForAll(network, values={...})."
        )


def _random_copy(module: nn.Module, generator: torch.Generator) -> nn.Module:
    probe = copy.deepcopy(module).cpu().eval()
    for _, tensor in tensors_of(probe):
        if isinstance(tensor, nn.Parameter):
            fan_in = tensor.numel() // len(tensor) if tensor.ndim > 1 else 1
            tensor.normal_(generator=generator).div_(fan_in**0.5)
        elif tensor.is_floating_point():
            tensor.uniform_(0.5, 1.5, generator=generator)  # a variance is positive
    return probe


@torch.no_grad()
def _permute(tensors: Mapping[str, Tensor], group: Group, order: Tensor) -> None:
    for name, dim in group:
        tensors[name].copy_(tensors[name].index_select(dim, order))
