"""Processes that train a network each, to keep the cores busy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing import parent_process

import torch
from torch import nn
from torch.nn import functional as F


@contextmanager
def busy(processes: int) -> Iterator[None]:
    """Trains in so many processes, one thread each.

    Args:
        processes:
            How many.
    """
    context = get_context("spawn")
    began = context.Semaphore(0)
    workers = [
        context.Process(target=_train, args=(began,), daemon=True) for _ in range(processes)
    ]
    for worker in workers:
        worker.start()
    for _ in workers:
        began.acquire()
    try:
        yield
    finally:
        for worker in workers:
            worker.terminate()
            worker.join()


def _train(began: object) -> None:
    torch.set_num_threads(1)
    net = nn.Sequential(
        *(nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 16, 3, padding=1), nn.ReLU()),
        *(nn.Flatten(), nn.Linear(16 * 16 * 16, 10)),
    )
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    x, y = torch.randn(32, 3, 16, 16), torch.randint(0, 10, (32,))
    began.release()  # type: ignore[attr-defined]
    while parent_process().is_alive():  # type: ignore[union-attr]
        optimizer.zero_grad()
        F.cross_entropy(net(x), y).backward()
        optimizer.step()
