"""What does a training step of ``spaces.Tabular`` cost, by the number of members?

python studies/tabular/cost.py

Ten numbers, two classes, the default but for ``ensemble``; CPU milliseconds of one thread, the
fastest of 30 steps.
"""

from __future__ import annotations

from time import thread_time

import torch

from optuna_nas import build
from optuna_nas.spaces import Tabular
from optuna_nas.training._losses import default_loss


def milliseconds(k: int, rows: int) -> float:
    network = Tabular(10, [], 2, ensembles=[k])
    module = build(network, network.default_params())
    optimizer = torch.optim.AdamW(module.parameters(), fused=True)
    x, y = torch.randn(rows, 10), torch.randint(2, (rows,))
    fastest = float("inf")
    for _ in range(30):
        started = thread_time()
        loss = default_loss(module(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        fastest = min(fastest, thread_time() - started)
    return 1e3 * fastest


def main() -> None:
    torch.set_num_threads(1)
    print("| members | 128 rows | 1,000 rows |\n|---|---|---|")
    for k in (1, 8, 16, 32):
        print(f"| {k} | {milliseconds(k, 128):.1f} | {milliseconds(k, 1000):.1f} |")


if __name__ == "__main__":
    main()
