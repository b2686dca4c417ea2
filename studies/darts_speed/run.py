"""How much slower is an epoch of our DARTS than a direct transcription of it in plain torch?

    python studies/darts_speed/run.py [--channels 16] [--batch 16] [--steps 2] [--repeats 15]

Both search the 8-cell supernet of DARTS with the same operations, batches and optimizers. They
take turns, so that whatever else the machine does falls on both.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from statistics import median
from time import perf_counter
from time import process_time
from typing import Any

from by_hand import search
from by_hand import SearchNetwork
import torch
from torch import nn
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from optuna_nas import spaces
from optuna_nas import Supernet
from optuna_nas.oneshot import darts


LAYERS = 8


def images(rows: int, device: str) -> tuple[Tensor, Tensor]:
    x = torch.rand(rows, 3, 32, 32, device=device)
    return x, torch.randint(10, (rows,), device=device)


def size(parameters: Any) -> int:
    return sum(p.numel() for p in parameters)


def described(name: str, module: nn.Module, weights: Any, logits: Any, image: Tensor) -> str:
    """That both do the same work; the counter sees convolutions and linear layers."""
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        module.eval()(image)
    flops = counter.get_total_flops()
    return f"{name}: {size(weights):,} weights, {size(logits)} logits, {flops:,} FLOPs an image"


def seconds(epochs: Iterator[Any], device: str) -> float:
    """Of the processor, which other processes disturb less; with a GPU, of the clock."""
    now = process_time if device == "cpu" else perf_counter
    started = now()
    next(epochs)
    if device != "cpu":
        torch.cuda.synchronize()
    return now() - started


def turns(by_hand: Iterator[Any], ours: Iterator[Any], chosen: argparse.Namespace) -> list[Any]:
    """Who begins alternates; the first turn, in which memory is allocated, is left out."""
    times = []
    for turn in range(1 + chosen.repeats):
        pair = {}
        for one in (by_hand, ours) if turn % 2 else (ours, by_hand):
            pair[one] = seconds(one, chosen.device)
        times.append((pair[by_hand], pair[ours]))
    return times[1:]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--channels", type=int, default=16, help="of the first cells")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--steps", type=int, default=2, help="of an epoch")
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    torch.manual_seed(0)
    train, valid = (images(chosen.steps * chosen.batch, chosen.device) for _ in range(2))
    epochs = 1 + chosen.repeats
    net = SearchNetwork(chosen.channels, LAYERS).to(chosen.device)
    by_hand = search(net, train, valid, epochs, chosen.batch)
    supernet = Supernet(spaces.DARTS(channels=chosen.channels, layers=LAYERS, affine=False))
    ours = darts(
        supernet,
        train,
        valid,
        epochs=epochs,
        batch_size=chosen.batch,
        device=chosen.device,
        seed=0,
    )
    print(f"torch {torch.__version__}, {chosen}")
    gates, image = supernet.architecture_parameters(), train[0][:1]
    print(described("by hand", net, net.weights(), net.alphas, image))
    print(described("darts  ", supernet, supernet.weights(), gates, image))
    times = turns(by_hand, ours, chosen)
    hand, own = zip(*times, strict=True)
    print(f"seconds of an epoch, least: by hand {min(hand):.3f}, darts {min(own):.3f}")
    print(f"ratio of the minima {min(own) / min(hand):.3f}")
    print(f"median ratio of a turn {median(b / a for a, b in times):.3f}")


if __name__ == "__main__":
    main()
