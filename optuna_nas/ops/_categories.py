"""Vectors for categories, of all columns at once."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import torch
from torch import nn
from torch import Tensor


class OneHot(nn.Module):
    """A one for each column's category, in as many zeros as there are categories.

    Code 0, what is unknown or missing, gives zeros only: a weight that no row of the training data
    has moved plays no part then.

    Args:
        cardinalities:
            Of each column, how many categories it has: its codes are 0..cardinality.
    """

    offsets: Tensor

    def __init__(self, cardinalities: Sequence[int]) -> None:
        super().__init__()
        starts = accumulate(cardinalities, initial=0)
        offsets = torch.tensor([start for start, _ in zip(starts, cardinalities, strict=False)])
        self.register_buffer("offsets", offsets, persistent=False)
        self.width = sum(cardinalities)

    def forward(self, codes: Tensor) -> Tensor:
        """Takes codes ``[n, columns]``, returns floats ``[n, sum(cardinalities)]``."""
        # Unknown ones go to a column of their own, which is left out in the end.
        places = torch.where(codes > 0, codes.long() + self.offsets, 0)
        dtype = codes.dtype if codes.is_floating_point() else None
        shape = codes.shape[0], self.width + 1
        ones = torch.zeros(shape, dtype=dtype, device=codes.device)
        return ones.scatter(1, places, 1.0)[:, 1:]


class CategoryEmbedding(nn.Module):
    """A learned vector for each category of each column, in one table.

    Code 0, what is unknown or missing, begins as zeros.

    Args:
        cardinalities:
            Of each column, how many categories it has: its codes are 0..cardinality.
        width:
            The size of a vector.
    """

    offsets: Tensor

    def __init__(self, cardinalities: Sequence[int], width: int) -> None:
        super().__init__()
        starts = list(accumulate((size + 1 for size in cardinalities), initial=0))
        self.register_buffer("offsets", torch.tensor(starts[:-1]), persistent=False)
        self.table = nn.Embedding(starts[-1], width)
        with torch.no_grad():
            self.table.weight.uniform_(-(width**-0.5), width**-0.5)
            self.table.weight[starts[:-1]] = 0.0

    def forward(self, codes: Tensor) -> Tensor:
        """Takes codes ``[n, columns]``, returns ``[n, columns * width]``, column by column."""
        out: Tensor = self.table(codes.long() + self.offsets).flatten(1)
        return out


class Columns(nn.Module):
    """Gives columns of a table to a module each, and puts side by side what they return.

    Args:
        parts:
            From columns, by number, to the module that takes ``[n, len(columns)]``.
    """

    def __init__(self, parts: Sequence[tuple[Sequence[int], nn.Module]]) -> None:
        super().__init__()
        self.columns = [_slice(columns) for columns, _ in parts]
        self.parts = nn.ModuleList(module for _, module in parts)

    def forward(self, x: Tensor) -> Tensor:
        """Takes ``[n, columns]``, returns ``[n, the sum of their widths]``."""
        pairs = zip(self.columns, self.parts, strict=True)
        return torch.cat([module(x[:, columns]) for columns, module in pairs], dim=1)


def _slice(columns: Sequence[int]) -> slice | list[int]:
    """A slice where they stand together, since it copies nothing."""
    first, last = columns[0], columns[-1]
    together = list(columns) == list(range(first, last + 1))
    return slice(first, last + 1) if together else list(columns)
