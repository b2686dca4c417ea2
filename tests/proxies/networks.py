"""Networks of all kinds, and a batch for each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch import Tensor
from torch.nn import functional as F


class Residual(nn.Module):
    """Convolutions with BatchNorm, added to what they take; ReLU as a function, in place."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 6, 3, padding=1)
        self.conv = nn.Conv2d(6, 6, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(6)
        self.head = nn.Linear(6, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu_(self.stem(x))
        x = F.relu(x + F.dropout(self.norm(self.conv(x)), 0.5, self.training))
        return self.head(x.mean((2, 3)))


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.3, batch_first=True)
        self.head = nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.layer(x)[:, 0])


class Recurrent(nn.Module):
    def __init__(self, kind: type[nn.RNNBase] = nn.LSTM) -> None:
        super().__init__()
        self.cell = kind(8, 40, num_layers=2, dropout=0.3, batch_first=True)
        self.head = nn.Linear(40, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.cell(x)[0][:, -1])


class Stepped(nn.Module):
    """A recurrent cell that is called step by step."""

    def __init__(self, kind: Callable[..., nn.Module] = nn.LSTMCell) -> None:
        super().__init__()
        self.cell = kind(8, 40)
        self.head = nn.Linear(40, 4)

    def forward(self, x: Tensor) -> Tensor:
        state = None
        for step in x.unbind(1):
            state = self.cell(step, state)
        return self.head(state if isinstance(state, Tensor) else state[0])


class Tokens(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(20, 8)
        self.body = Attention()

    def forward(self, x: Tensor) -> Tensor:
        return self.body(self.embedding(x))


def mlp() -> nn.Module:
    return nn.Sequential(
        nn.Linear(5, 16), nn.LayerNorm(16), nn.GELU(), nn.Dropout(0.5), nn.Linear(16, 4)
    )


def images(rows: int = 8) -> Tensor:
    return torch.randn(rows, 3, 8, 8, generator=torch.Generator().manual_seed(1))


def sequences(rows: int = 8) -> Tensor:
    return torch.randn(rows, 6, 8, generator=torch.Generator().manual_seed(1))


def labels(rows: int = 8) -> Tensor:
    return torch.arange(rows) % 4


NETWORKS: dict[str, tuple[Callable[[], nn.Module], Any]] = {
    "residual": (Residual, images()),
    "attention": (Attention, sequences()),
    "lstm": (Recurrent, sequences()),
    "gru": (lambda: Recurrent(nn.GRU), sequences()),
    "lstm cell": (Stepped, sequences()),
    "gru cell": (lambda: Stepped(nn.GRUCell), sequences()),
    "mlp": (mlp, torch.randn(8, 5, generator=torch.Generator().manual_seed(1))),
}


def network(kind: str) -> tuple[nn.Module, tuple[Tensor, Tensor]]:
    """A network with the same weights each time, and its batch."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        make, inputs = NETWORKS[kind]
        return make(), (inputs, labels())
