"""What one training step takes, by ways to train many networks at once.

    python studies/batched_training/step.py [--members 2 8 32]

On one thread, in its own CPU time, so that what else the machine does disturbs it less.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from time import thread_time
from typing import Any

import torch
from torch import nn
from torch import Tensor
from torch.func import functional_call
from torch.func import stack_module_state
from torch.nn import functional as F
from torch.nn.attention import sdpa_kernel
from torch.nn.attention import SDPBackend

from optuna_nas import build
from optuna_nas import spaces
from optuna_nas.training import Recipe
from optuna_nas.training._data import Resident
from optuna_nas.training._recipe import adamw
from optuna_nas.training._stacked_loop import Member
from optuna_nas.training._stacked_loop import StackedLoop


ROWS = 64
TIMES = 20
SMALL = {"patch": 2, "width": 32, "position": "learned", "depth": 2}
LAYERS = {
    f"layer{i}/{name}": value for i in (0, 1) for name, value in (("heads", 2), ("ratio", 2))
}


def perceptron() -> nn.Module:
    layers = (nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    return nn.Sequential(nn.Flatten(), *layers)


def cnn() -> nn.Module:
    def block(i: int, o: int) -> nn.Module:
        conv = nn.Conv2d(i, o, 3, padding=1, bias=False)
        return nn.Sequential(conv, nn.BatchNorm2d(o), nn.ReLU())

    body = nn.Sequential(block(1, 16), block(16, 16), nn.MaxPool2d(2), block(16, 32))
    return nn.Sequential(body, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10))


def transformer() -> nn.Module:
    return build(spaces.Transformer((1, 8, 8), 10), {**SMALL, **LAYERS})


def alone(modules: list[nn.Module], x: Tensor, y: Tensor) -> Callable[[], object]:
    optimizers = [adamw(m.parameters(), lr=1e-3, weight_decay=0.1) for m in modules]

    def step() -> None:
        for module, optimizer, inputs, targets in zip(modules, optimizers, x, y, strict=True):
            optimizer.zero_grad()
            F.cross_entropy(module(inputs), targets).backward()
            optimizer.step()

    return step


def ours(modules: list[nn.Module], x: Tensor, y: Tensor) -> Callable[[], object]:
    """As ``optimize_batched`` does it, with a learning rate for each member."""
    of = [
        Member(module, None, Recipe(adamw(module.parameters(), lr=r, weight_decay=0.1)), order)
        for i, module in enumerate(modules)
        for r, order in [(1e-3 + 1e-5 * i, torch.Generator().manual_seed(i))]
    ]
    rows = Resident(x[0], y[0])
    loop = StackedLoop(of, rows, rows, epochs=1, metric=None)
    loop.stack.train(True)
    batch = next(loop.batches())
    return lambda: loop.step(batch, 0.5)


def groups(modules: list[nn.Module], x: Tensor, y: Tensor) -> Callable[[], object]:
    """vmap, and a parameter group of torch's optimizer for each member."""
    parameters, buffers = stack_module_state(modules)
    names = list(parameters)
    rows = [
        nn.Parameter(torch.cat([parameters[n][i].detach().flatten() for n in names]))
        for i in range(len(modules))
    ]
    optimizer = torch.optim.AdamW([{"params": [row]} for row in rows], lr=1e-3, fused=True)

    def loss(p: Any, b: Any, inputs: Tensor, targets: Tensor) -> Tensor:
        return F.cross_entropy(functional_call(modules[0], (p, b), (inputs,)), targets)

    def step() -> None:
        with sdpa_kernel(SDPBackend.MATH):
            losses = torch.vmap(loss, randomness="different")(parameters, buffers, x, y)
        found = torch.autograd.grad(losses.sum(), [parameters[n] for n in names])
        for row, gradient in zip(rows, torch.cat([g.flatten(1) for g in found], 1), strict=True):
            row.grad = gradient
        optimizer.step()

    return step


def by_hand(modules: list[nn.Module], x: Tensor, y: Tensor) -> Callable[[], object]:
    """Products of batches of matrices, of a perceptron only; one learning rate for all."""
    parameters = list(stack_module_state(modules)[0].values())
    optimizer = adamw(parameters, lr=1e-3, weight_decay=0.1)

    def step() -> None:
        h = x.flatten(2)
        for i in range(0, len(parameters), 2):
            h = h if i == 0 else h.relu()
            h = torch.baddbmm(parameters[i + 1][:, None], h, parameters[i].transpose(1, 2))
        optimizer.zero_grad()
        (F.cross_entropy(h.flatten(0, 1), y.flatten()) * len(modules)).backward()
        optimizer.step()

    return step


def milliseconds(steps: dict[str, Callable[[], object]]) -> dict[str, float]:
    """The least of several, in turns."""
    took: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(TIMES):
        for name, step in steps.items():
            step()  # the first of several brings memory near
            started = thread_time()
            step()
            took[name].append(1000 * (thread_time() - started))
    return {name: min(times) for name, times in took.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--members", type=int, nargs="+", default=[2, 8, 32])
    options = parser.parse_args()
    torch.set_num_threads(1)
    ways = {"one by one": alone, "`optimize_batched`": ours, "vmap, a group each": groups}
    columns = ["network", "members", *ways, "by hand"]
    print("| " + " | ".join(columns) + " |\n|" + "---|" * len(columns))
    for name, make in (("64-64-64-10", perceptron), ("CNN", cnn), ("transformer", transformer)):
        for k in options.members:
            torch.manual_seed(0)
            x, y = torch.rand(k, ROWS, 1, 8, 8), torch.randint(10, (k, ROWS))
            steps = {way: start([make() for _ in range(k)], x, y) for way, start in ways.items()}
            if make is perceptron:
                steps["by hand"] = by_hand([make() for _ in range(k)], x, y)
            took = milliseconds(steps)
            cells = [f"{took[way]:.2f}" if way in took else "-" for way in columns[2:]]
            print(f"| {name} | {k} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
