"""How much slower is Train than a training loop written by hand, on the same tensors?

    python studies/train_overhead/run.py [--threads 1] [--repeats 30]

Both train with the same optimizer, batch size and loss, and score the validation part after each
epoch. They take turns, so that whatever else the machine does falls on both.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from statistics import median
from time import perf_counter
from typing import Any

import torch
from torch import nn
from torch import Tensor
from torch.nn import functional as F

from optuna_nas.training import Recipe
from optuna_nas.training import Train


BATCH = 64
ROWS = 1077, 360  # 60 and 20 % of the digits
EPOCHS = 5
Data = tuple[Tensor, Tensor]


class Silent:
    """A trial that costs nothing, so that only Train is measured and not a storage."""

    number = 0

    def report(self, value: float, step: int) -> None: ...

    def should_prune(self) -> bool:
        return False

    def set_user_attr(self, key: str, value: Any) -> None: ...


def mlp() -> nn.Module:
    return nn.Sequential(
        nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10)
    )


def cnn() -> nn.Module:
    def block(i: int, o: int) -> nn.Module:
        conv = nn.Conv2d(i, o, 3, padding=1, bias=False)
        return nn.Sequential(conv, nn.BatchNorm2d(o), nn.ReLU())

    body = nn.Sequential(block(1, 16), block(16, 16), nn.MaxPool2d(2), block(16, 32))
    head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10))
    return nn.Sequential(body, head)


def digits_like(shape: tuple[int, ...], rows: int) -> Data:
    return torch.rand(rows, *shape), torch.randint(10, (rows,))


def optimizer(module: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.AdamW(module.parameters(), lr=1e-3, fused=True)


def recipe(trial: Any, module: nn.Module) -> Recipe:
    return Recipe(optimizer(module), batch_size=BATCH)


def by_hand(module: nn.Module, train: Data, valid: Data) -> None:
    adamw = optimizer(module)
    x, y = train
    for _ in range(EPOCHS):
        module.train()
        order = torch.randperm(len(x))
        for start in range(0, len(x), BATCH):
            rows = order[start : start + BATCH]
            adamw.zero_grad()
            loss = F.cross_entropy(module(x[rows]), y[rows])
            loss.backward()
            adamw.step()
        module.eval()
        with torch.no_grad():
            (module(valid[0]).argmax(1) == valid[1]).float().mean().item()


def seconds(train: Callable[[nn.Module], Any], make: Callable[[], nn.Module]) -> float:
    torch.manual_seed(0)
    module = make()
    started = perf_counter()
    train(module)
    return (perf_counter() - started) / EPOCHS


def compare(name: str, make: Callable[[], nn.Module], shape: tuple[int, ...], n: int) -> None:
    data = [digits_like(shape, rows) for rows in ROWS]
    evaluate = Train(*data, epochs=EPOCHS, recipe=recipe, device="cpu", seed=0)
    loops = partial(by_hand, train=data[0], valid=data[1]), partial(evaluate, trial=Silent())
    hand, ours = zip(*([seconds(loop, make) for loop in loops] for _ in range(n)), strict=True)
    ratio = median(b / a for a, b in zip(hand, ours, strict=True))
    print(
        f"{name:10} {1e3 * min(hand):8.2f} {1e3 * min(ours):8.2f} {min(ours) / min(hand):8.3f}"
        f" {ratio:8.3f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=30)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print(f"torch {torch.__version__}, {options.threads} thread(s), {options.repeats} turns each")
    print("           by hand    Train    ratio    ratio")
    print("network   ms/epoch ms/epoch   minima   median")
    compare("MLP 64-64", mlp, (64,), options.repeats)
    compare("small CNN", cnn, (1, 8, 8), options.repeats)


if __name__ == "__main__":
    main()
