"""``Kernel``: the smaller kernels of a convolution, centres of the larger ones times a matrix.

    w'[o, i] = M centre(w[o, i])                for a smaller kernel, M shared by all o, i

Cai et al. 2020, https://arxiv.org/abs/1908.09791, sec. 3.3.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
import math
from typing import cast

import torch
from torch import nn
from torch import Tensor

from optuna_nas.oneshot._largest import Change
from optuna_nas.oneshot._largest import Skeleton
from optuna_nas.oneshot._slices import centre
from optuna_nas.oneshot._slices import convolutions_of


class Kernel(nn.Module):
    """The smaller kernels of one convolution.

    Each is the centre of the next larger one times a matrix. All channels share it, and it begins
    as the identity (Cai et al. 2020, sec. 3.3: elastic kernel size).

    Args:
        name:
            Of the convolution's weight in the largest network.
        sizes:
            The smaller sizes.
        like:
            The convolution's weight, for its device and dtype.
    """

    def __init__(self, name: str, sizes: Sequence[Sequence[int]], like: Tensor) -> None:
        super().__init__()
        self.name = name
        self.sizes = sorted(map(tuple, sizes), key=math.prod, reverse=True)
        self.matrices = nn.ParameterList(
            [torch.eye(math.prod(size)).to(like) for size in self.sizes]
        )

    def forward(self, kernels: Tensor, size: Sequence[int]) -> Tensor:
        """Takes ``[out, in, *large]``, returns ``[out, in, *size]``."""
        for next_size, matrix in zip(self.sizes, self.matrices, strict=True):
            if _is_within(next_size, kernels.shape[2:]) and _is_within(size, next_size):
                middle = centre(kernels, next_size)
                kernels = (middle.flatten(2) @ cast(Tensor, matrix).T).view(middle.shape)
        return centre(kernels, size)


def kernels_of(
    largest: Skeleton, changes: Iterable[Change], tensors: Mapping[str, Tensor]
) -> list[Kernel]:
    """Returns one for each convolution whose kernel some choice makes smaller.

    Args:
        largest:
            The largest architecture.
        changes:
            What one other choice makes of it.
        tensors:
            The largest network's, by name.
    """
    sizes: dict[str, set[torch.Size]] = {}
    convolutions, whole = convolutions_of(largest.module), largest.tensors
    for change in changes:
        for name, tensor in change.skeleton.tensors.items():
            if name in convolutions and tensor.shape[2:] != whole[name].shape[2:]:
                sizes.setdefault(name, set()).add(tensor.shape[2:])
    return [Kernel(name, sorted(sizes[name]), tensors[name]) for name in whole if name in sizes]


def _is_within(size: Sequence[int], whole: Sequence[int]) -> bool:
    return all(n <= m for n, m in zip(size, whole, strict=True))
