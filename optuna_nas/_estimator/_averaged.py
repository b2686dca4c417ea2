"""``Averaged``: several networks that predict as one."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch import Tensor


class Averaged(nn.Module):
    """The weighted mean of networks: of their probabilities, as logits, or of their numbers.

    Args:
        modules:
            Networks with the same inputs and outputs.
        weights:
            Of each; they sum to 1. None weighs all alike.
        classes:
            Whether outputs are for classes, ``[n, classes]``, or numbers.
    """

    weights: Tensor

    def __init__(
        self,
        modules: Sequence[nn.Module],
        weights: Sequence[float] | None = None,
        *,
        classes: bool,
    ) -> None:
        super().__init__()
        self.members = nn.ModuleList(modules)
        self.classes = classes
        shares = [1 / len(modules)] * len(modules) if weights is None else list(weights)
        self.register_buffer("weights", torch.tensor(shares))

    def forward(self, x: Tensor) -> Tensor:
        outputs = torch.stack([member(x) for member in self.members])
        return averaged(outputs, self.weights, self.classes)


def averaged(outputs: Tensor, weights: Tensor, classes: bool) -> Tensor:
    """The weighted mean of outputs.

    Args:
        outputs:
            ``[networks, n, out]``.
        weights:
            ``[networks]``, which sum to 1.
        classes:
            Whether outputs are logits of classes; then the result is the logarithm of the mean
            probability.
    """
    columns = weights.to(outputs.dtype)[:, None, None]
    if not classes:
        return (outputs * columns).sum(0)
    return (outputs.log_softmax(2) + columns.log()).logsumexp(0)
