"""Self-attention (Vaswani et al. 2017, https://arxiv.org/abs/1706.03762, sec. 3.2.2)."""

from __future__ import annotations

from torch import nn
from torch import Tensor
from torch.nn import functional as F


class SelfAttention(nn.Module):
    """Multi-head self-attention, whose heads keep their width however many they are.

    So the weights of few heads are the first rows of those of many, as in AutoFormer (Chen et al.
    2021, https://arxiv.org/abs/2107.00651, sec. 3.3).

    Args:
        width:
            The size of a token.
        heads:
            How many heads.
        head_width:
            The size of a head's queries, keys and values.
    """

    def __init__(self, width: int, heads: int, head_width: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, heads * head_width)
        self.key = nn.Linear(width, heads * head_width)
        self.value = nn.Linear(width, heads * head_width)
        self.out = nn.Linear(heads * head_width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Takes and returns ``[n, time, width]``."""
        query, key, value = (
            project(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for project in (self.query, self.key, self.value)
        )
        seen = F.scaled_dot_product_attention(query, key, value)
        out: Tensor = self.out(seen.transpose(1, 2).flatten(2))
        return out

    def extra_repr(self) -> str:
        return f"heads={self.heads}"
