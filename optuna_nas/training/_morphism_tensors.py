"""One tensor made from another of a different size: copies, shares of copies, centres, slices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
import math

import torch
from torch import Tensor


@dataclass(frozen=True)
class Features:
    """What has become of the features between two layers.

    Args:
        old:
            How many the old network had there.
        index:
            For each feature of the new one, which of the old it is. ``[new]``
    """

    old: int
    index: Tensor


def spread(old: int, new: int) -> Tensor:
    """Which old unit each new one is a copy of: the leading ones, and from the first on again.

    Everywhere the same, so that features that are added remain copies of the same sum.

    Args:
        old:
            How many there were.
        new:
            How many there are. The result is ``[new]``.
    """
    return torch.arange(new) % old


def reading(old: Tensor, fresh: Tensor, before: Features | None, rng: torch.Generator) -> Tensor:
    """Weights for other features that come in, and as many that go out.

    Args:
        old:
            The old weights. ``[out, in, *kernel]``
        fresh:
            The new network's own, which remain for features that nothing is known of.
            ``[out, in, *kernel]``
        before:
            What has become of the features; None if they are others than they were.
        rng:
            For the shares of the copies.
    """
    if before is None:
        both = min(old.shape[1], fresh.shape[1])
        if both == fresh.shape[1]:
            return old[:, :both]
        rest = centred(fresh[:, both:], old.shape[2:])
        return torch.cat([old[:, :both], rest.to(old.dtype)], dim=1)
    index = _incoming(old.shape[1], fresh.shape[1], before)
    shares = _shares(index, old.shape[1], len(old), rng).to(old.dtype)
    return old[:, index] * shares.reshape(*shares.shape, *[1] * (old.ndim - 2))


def _incoming(old: int, new: int, before: Features) -> Tensor:
    """Which old feature each that comes in is; behind a flattening, each has several places."""
    if old % before.old == 0:
        places = old // before.old
        if new == places * len(before.index):
            return (before.index[:, None] * places + torch.arange(places)).flatten()
    return spread(old, new)


def _shares(index: Tensor, old: int, rows: int, rng: torch.Generator) -> Tensor:
    """The share of an old weight that each copy has; those of all copies sum to 1. [out, in]"""
    parts = 0.5 + torch.rand(rows, len(index), generator=rng)
    sums = torch.zeros(rows, old).index_add_(1, index, parts)
    is_copied = index.bincount(minlength=old)[index] > 1
    return torch.where(is_copied, parts / sums[:, index], 1.0)


def centred(x: Tensor, size: Sequence[int]) -> Tensor:
    """Returns kernels of another size around the same centre, with zeros around them or cut.

    Args:
        x:
            Kernels. ``[out, in, *kernel]``
        size:
            Of the kernels to come.
    """
    for dim, side in enumerate(size, 2):
        x = x.narrow(dim, max(0, x.shape[dim] - side) // 2, min(side, x.shape[dim]))
    grown = x.new_zeros(*x.shape[:2], *size)
    inner = grown
    for dim, side in enumerate(size, 2):
        inner = inner.narrow(dim, (side - x.shape[dim]) // 2, x.shape[dim])
    inner.copy_(x)
    return grown


def overlap(old: Tensor, fresh: Tensor, stacked: int = 1) -> tuple[Tensor, int]:
    """Returns the leading slice that both have from the old one, the rest fresh; and its size.

    Args:
        old:
            The old tensor.
        fresh:
            The new network's own, of as many dimensions, at least one.
        stacked:
            How many matrices lie one under the other in the first dimension.
    """
    if old.shape[0] % stacked or fresh.shape[0] % stacked:
        stacked = 1
    x, count = fresh.clone(), 0
    for a, b in zip(old.chunk(stacked), x.chunk(stacked), strict=True):
        both = tuple(slice(min(n, m)) for n, m in zip(a.shape, b.shape, strict=True))
        b[both] = a[both]
        count += math.prod(part.stop for part in both)
    return x, count
