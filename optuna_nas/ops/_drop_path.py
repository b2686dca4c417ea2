"""Drop-path: dropout of whole branches."""

from __future__ import annotations

from torch import nn
from torch import Tensor
from torch.nn import functional as F


class DropPath(nn.Module):
    """In training, gives zeros for some rows (Larsson et al. 2017, https://arxiv.org/abs/1605.07648).

    The rows that are left are scaled up, so that the mean stays.

    Args:
        p:
            The share of rows that are dropped.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        """Takes ``[n, ...]``, returns the same shape."""
        return x * F.dropout(x.new_ones(x.shape[0], *[1] * (x.ndim - 1)), self.p, self.training)

    def extra_repr(self) -> str:
        return f"p={self.p}"
