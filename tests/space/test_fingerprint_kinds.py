"""Each kind of module has a fingerprint: stable, not its neighbour's, and it stays as it was."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch import Tensor
from torch.nn import functional as F

from optuna_nas import fingerprint


class Formula(nn.Module):
    def __init__(self, formula: Callable[..., Any], *modules: nn.Module) -> None:
        super().__init__()
        self.parts = nn.ModuleList(modules)
        self.formula = formula

    def forward(self, *inputs: Tensor) -> Any:
        return self.formula(*inputs, *self.parts)


def in_place(x: Tensor) -> Tensor:
    y = x * 2
    y += x
    y[:, 0] = 0.0
    return y.relu_()


def recurrent(x: Tensor, cell: nn.Module) -> Tensor:
    state = x.new_zeros(x.shape[0], 4)
    for step in x.unbind(1):
        state = cell(step, state)
    return state


def attended(x: Tensor, scale: float = 1.0) -> Tensor:
    rows, length, width = x.shape
    heads = x.view(rows, length, 2, width // 2).transpose(1, 2)
    out = F.scaled_dot_product_attention(heads, heads, heads, scale=scale)
    return out.transpose(1, 2).reshape(rows, length, -1)


ROWS = torch.zeros(2, 8)
SEQUENCE = torch.zeros(2, 5, 8)
SIGNAL = torch.zeros(2, 4, 9)
IMAGE = torch.zeros(2, 4, 8, 8)
VOLUME = torch.zeros(2, 4, 5, 5, 5)
TOKENS = torch.zeros(2, 5, dtype=torch.long)

KINDS: dict[str, tuple[Callable[[], nn.Module], Callable[[], nn.Module], Any]] = {
    "linear": (lambda: nn.Linear(8, 4), lambda: nn.Linear(8, 5), ROWS),
    "bilinear": (
        lambda: Formula(lambda x, m: m(x, x), nn.Bilinear(8, 8, 3)),
        lambda: Formula(lambda x, m: m(x, x), nn.Bilinear(8, 8, 4)),
        ROWS,
    ),
    "conv1d": (lambda: nn.Conv1d(4, 4, 3), lambda: nn.Conv1d(4, 4, 5), SIGNAL),
    "conv2d": (lambda: nn.Conv2d(4, 4, 3), lambda: nn.Conv2d(4, 4, 3, groups=2), IMAGE),
    "conv3d": (lambda: nn.Conv3d(4, 2, 3), lambda: nn.Conv3d(4, 2, 3, 2), VOLUME),
    "conv transposed": (
        lambda: nn.ConvTranspose2d(4, 2, 3),
        lambda: nn.ConvTranspose2d(4, 2, 3, output_padding=1, stride=2),
        IMAGE,
    ),
    "batch norm": (lambda: nn.BatchNorm2d(4), lambda: nn.BatchNorm2d(4, affine=False), IMAGE),
    "layer norm": (lambda: nn.LayerNorm(8), lambda: nn.LayerNorm(8, eps=0.1), SEQUENCE),
    "group norm": (lambda: nn.GroupNorm(2, 4), lambda: nn.GroupNorm(4, 4), IMAGE),
    "instance norm": (
        lambda: nn.InstanceNorm2d(4),
        lambda: nn.InstanceNorm2d(4, affine=True),
        IMAGE,
    ),
    "LSTM": (
        lambda: nn.LSTM(8, 4, 2, batch_first=True),
        lambda: nn.LSTM(8, 4, 2, batch_first=True, dropout=0.1),
        SEQUENCE,
    ),
    "LSTM both ways": (
        lambda: nn.LSTM(8, 4, bidirectional=True),
        lambda: nn.LSTM(8, 8),
        SEQUENCE,
    ),
    "GRU": (lambda: nn.GRU(8, 4), lambda: nn.RNN(8, 4), SEQUENCE),
    "RNN": (lambda: nn.RNN(8, 4), lambda: nn.RNN(8, 4, nonlinearity="relu"), SEQUENCE),
    "GRU cell in a loop": (
        lambda: Formula(recurrent, nn.GRUCell(8, 4)),
        lambda: Formula(recurrent, nn.RNNCell(8, 4)),
        SEQUENCE,
    ),
    "attention": (
        lambda: Formula(lambda x, m: m(x, x, x)[0], nn.MultiheadAttention(8, 2)),
        lambda: Formula(lambda x, m: m(x, x, x)[0], nn.MultiheadAttention(8, 4)),
        SEQUENCE,
    ),
    "transformer layer": (
        lambda: nn.TransformerEncoderLayer(8, 2, 16, batch_first=True),
        lambda: nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, norm_first=True),
        SEQUENCE,
    ),
    "transformer layer's dropout": (
        lambda: nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, dropout=0.1),
        lambda: nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, dropout=0.2),
        SEQUENCE,
    ),
    "transformer decoder": (
        lambda: nn.TransformerDecoderLayer(8, 2, 16),
        lambda: nn.TransformerDecoderLayer(8, 2, 16, activation="gelu"),
        (SEQUENCE, SEQUENCE),
    ),
    "embedding": (lambda: nn.Embedding(10, 4), lambda: nn.Embedding(10, 5), TOKENS),
    "bag of embeddings": (
        lambda: nn.EmbeddingBag(10, 4),
        lambda: nn.EmbeddingBag(10, 4, mode="sum"),
        TOKENS,
    ),
    "dropout": (lambda: nn.Dropout(0.1), lambda: nn.Dropout(0.2), ROWS),
    "dropout of channels": (lambda: nn.Dropout2d(0.1), lambda: nn.Dropout2d(0.2), IMAGE),
    "ReLU in place": (lambda: nn.ReLU(inplace=True), lambda: nn.ELU(inplace=True), ROWS),
    "in place": (lambda: Formula(in_place), lambda: Formula(lambda x: (3 * x).relu()), ROWS),
    "maximum pooling": (lambda: nn.MaxPool2d(2), lambda: nn.MaxPool2d(2, 1), IMAGE),
    "average pooling": (
        lambda: nn.AvgPool2d(3, 1, 1),
        lambda: nn.AvgPool2d(3, 1, 1, count_include_pad=False),
        IMAGE,
    ),
    "adaptive pooling": (
        lambda: nn.AdaptiveAvgPool2d(1),
        lambda: nn.AdaptiveMaxPool2d(1),
        IMAGE,
    ),
    "pooling with indices": (
        lambda: nn.MaxPool2d(2, return_indices=True),
        lambda: nn.MaxPool2d(2),
        IMAGE,
    ),
    "flatten": (lambda: nn.Flatten(), lambda: nn.Flatten(2), IMAGE),
    "shape arithmetic": (
        lambda: Formula(lambda x: x.view(x.shape[0], 2, -1).mean(1) / x.size(1) ** 0.5),
        lambda: Formula(lambda x: x.view(x.shape[0], 4, -1).mean(1) / x.size(1) ** 0.5),
        ROWS,
    ),
    "functional calls": (
        lambda: Formula(lambda x: F.softplus(F.normalize(x), beta=2)),
        lambda: Formula(lambda x: F.softplus(F.normalize(x), beta=3)),
        ROWS,
    ),
    "einsum": (
        lambda: Formula(lambda x: torch.einsum("btc,bsc->bts", x, x)),
        lambda: Formula(lambda x: torch.einsum("btc,btd->bcd", x, x)),
        SEQUENCE,
    ),
    "scaled dot products": (
        lambda: Formula(attended),
        lambda: Formula(lambda x: attended(x, 0.5)),
        SEQUENCE,
    ),
    "channels shuffled": (lambda: nn.ChannelShuffle(2), lambda: nn.PixelShuffle(2), IMAGE),
    "upsampling": (
        lambda: nn.Upsample(scale_factor=2),
        lambda: nn.Upsample(scale_factor=2, mode="bilinear"),
        IMAGE,
    ),
    "chunks": (
        lambda: Formula(lambda x: F.glu(x) + x.chunk(2, 1)[0]),
        lambda: Formula(lambda x: F.glu(x) + x.chunk(2, 1)[1]),
        ROWS,
    ),
    "indices": (
        lambda: Formula(lambda x: x[:, torch.tensor([0, 2])]),
        lambda: Formula(lambda x: x[:, :2]),
        ROWS,
    ),
    "a mask": (
        lambda: Formula(lambda x: x.masked_fill(torch.ones(8, 8).tril()[0] == 0, -1.0)),
        lambda: Formula(lambda x: x.masked_fill(torch.ones(8, 8).triu()[0] == 0, -1.0)),
        ROWS,
    ),
    "weight norm": (
        lambda: nn.utils.parametrizations.weight_norm(nn.Linear(8, 4)),
        lambda: nn.Linear(8, 4),
        ROWS,
    ),
    "spectral norm": (
        lambda: nn.utils.parametrizations.spectral_norm(nn.Linear(8, 4)),
        lambda: nn.Linear(8, 4),
        ROWS,
    ),
    "a dict of outputs": (
        lambda: Formula(lambda x, m: {"a": m(x), "b": [x]}, nn.Linear(8, 4)),
        lambda: Formula(lambda x, m: {"a": m(x), "b": [2 * x]}, nn.Linear(8, 4)),
        ROWS,
    ),
    "iteration": (
        lambda: Formula(lambda x: sum(row * i for i, row in enumerate(x))),
        lambda: Formula(lambda x: sum(row * (1 - i) for i, row in enumerate(x))),
        ROWS,
    ),
    "autograd function": (
        lambda: Formula(lambda x, m: Doubled.apply(m(x)), nn.Linear(8, 4)),
        lambda: Formula(lambda x, m: m(x), nn.Linear(8, 4)),
        ROWS,
    ),
}


class Doubled(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:  # type: ignore[override]
        return x * 2

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:  # type: ignore[override]
        return grad * 2


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_of_module_has_a_fingerprint_of_its_own(kind: str) -> None:
    make, make_other, example = KINDS[kind]
    torch.manual_seed(0)
    module = make()
    state = {name: x.clone() for name, x in module.state_dict().items()}
    rng = torch.get_rng_state()
    found = fingerprint(module, example)
    assert fingerprint(module, example) == found
    assert torch.equal(rng, torch.get_rng_state())
    assert fingerprint(make(), example) == found
    assert fingerprint(make_other(), example) != found
    assert module.training
    for name, x in module.state_dict().items():
        assert torch.equal(x, state[name]), name
    with torch.device("meta"):
        if not kind.endswith("norm") or kind.startswith(("batch", "layer", "group", "instance")):
            assert fingerprint(make(), example) == found  # weights of a norm are computed
