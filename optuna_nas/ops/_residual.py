"""The residual connection, the one block here whose wiring is not a sequence."""

from __future__ import annotations

from torch import nn
from torch import Tensor


class Residual(nn.Module):
    """``body(x) + shortcut(x)`` (He et al. 2016, https://arxiv.org/abs/1512.03385, eq. 1 and 2).

    Args:
        body:
            What the sum refines.
        shortcut:
            Makes shapes agree where the body changes them; by default the identity.
    """

    def __init__(self, body: nn.Module, shortcut: nn.Module | None = None) -> None:
        super().__init__()
        self.body = body
        self.shortcut = nn.Identity() if shortcut is None else shortcut

    def forward(self, x: Tensor) -> Tensor:
        """Takes what the body takes, returns what it gives."""
        out: Tensor = self.body(x) + self.shortcut(x)
        return out
