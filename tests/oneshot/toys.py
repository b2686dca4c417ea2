"""A toy search whose best architecture is known: two inputs of three, with their signs turned."""

from __future__ import annotations

from functools import partial

import torch
from torch import nn
from torch import Tensor

from optuna_nas import Supernet
from optuna_nas.oneshot import darts
from optuna_nas.oneshot import SearchEpoch
from optuna_nas.space import Trial


BEST = {"node": "0+1", "op": "linear"}
FAST = {
    "weight_optimizer": partial(torch.optim.SGD, lr=0.1, momentum=0.9),
    "gate_optimizer": partial(torch.optim.Adam, lr=0.05, betas=(0.5, 0.999)),
    "batch_size": 32,
    "device": "cpu",
}


class Nothing(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return 0 * x


def turned() -> nn.Module:
    linear = nn.Linear(2, 2)
    linear.weight.data = -torch.eye(2)
    return linear


class Toy(nn.Module):
    """Takes ``[n, 6]``, of which the last two columns are noise."""

    def __init__(self, trial: Trial) -> None:
        super().__init__()

        def edge(i: int) -> nn.Module:
            options = {"none": Nothing, "skip": nn.Identity, "linear": turned}
            return trial.suggest_module("op", options)

        self.node = trial.suggest_inputs("node", 3, 2, edge)

    def forward(self, x: Tensor) -> Tensor:
        return self.node(x.split(2, dim=1))


def toy_data(n: int = 256, seed: int = 0) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """Classes that the first two pairs of columns tell, against what skipping would say."""
    x = torch.randn(2 * n, 6, generator=torch.Generator().manual_seed(seed))
    y = (x[:, 0] - x[:, 1] + x[:, 2] - x[:, 3] > 0).long()
    return (x[:n], y[:n]), (x[n:], y[n:])


def toy(seed: int = 0, values: dict[str, str] | None = None) -> Supernet:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return Supernet(Toy, values)


def search(supernet: Supernet, epochs: int = 3, **options: object) -> list[SearchEpoch]:
    return list(darts(supernet, *toy_data(), epochs=epochs, **{**FAST, "seed": 0, **options}))
