"""Does the measured latency put two networks, one with 20 % more work, in the right order?

Each comparison measures both networks anew, at different moments, while other processes train.
The truth is known: ten equal layers against twelve, so that the FLOPs are 1.2 times as many; alone
on an idle machine each takes the same time. The times that the calls took on the wall are noted
in the same measurements, to show what their median and their minimum would have said.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
import math
import os
from statistics import fmean
from statistics import median
from statistics import stdev
import time
from typing import ClassVar

from busy import busy
import torch
from torch import nn
from torch import Tensor

from optuna_nas.metrics import Latency


LAYERS = (10, 12)

COLUMNS = (
    *("busy", "network", "ms", "deviation", "half interval", "ratio", "noisy"),
    *("in order", "by wall median", "by wall minimum", "load"),
)


class Network(nn.Module):
    """Equal layers; notes what each call takes on the wall."""

    walls: ClassVar[
        list[float]
    ] = []  # of the class, so that the copy that is measured notes here too

    def __init__(self, layers: list[nn.Module]) -> None:
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        begin = time.perf_counter_ns()
        out = self.layers(x)
        Network.walls.append((time.perf_counter_ns() - begin) / 1e6)
        return out


@dataclass(frozen=True)
class Measurement:
    latency_ms: float
    interval: tuple[float, float]
    noisy: bool
    wall_median_ms: float
    wall_least_ms: float


def linear() -> tuple[Tensor, list[Network]]:
    nets = [Network([nn.Linear(64, 64) for _ in range(n)]) for n in LAYERS]
    return torch.randn(1, 64), nets


def convolutional() -> tuple[Tensor, list[Network]]:
    nets = [Network([nn.Conv2d(64, 64, 3, padding=1) for _ in range(n)]) for n in LAYERS]
    return torch.randn(4, 64, 16, 16), nets


def measure(latency: Latency, net: Network) -> Measurement:
    Network.walls.clear()
    record = latency.record(net)
    walls = Network.walls[len(Network.walls) // 4 :]
    return Measurement(
        record.median_ms,
        (record.low_ms, record.high_ms),
        record.noisy,
        median(walls),
        min(walls),
    )


def compare(kind: str, comparisons: int, threads: int) -> tuple[list[Measurement], ...]:
    x, nets = {"linear": linear, "convolutional": convolutional}[kind]()
    latency = Latency(x, batch_size=len(x), threads=threads)
    rows: tuple[list[Measurement], ...] = ([], [])
    for i in range(comparisons):
        for j in (0, 1) if i % 2 else (1, 0):
            rows[j].append(measure(latency, nets[j]))
    return rows


def wilson(right: int, of: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927)."""
    z, p = 1.96, right / of
    middle, width = p + z * z / (2 * of), z * math.sqrt(p * (1 - p) / of + (z / (2 * of)) ** 2)
    return (middle - width) / (1 + z * z / of), (middle + width) / (1 + z * z / of)


def share(small: list[float], large: list[float]) -> str:
    right = sum(a < b for a, b in zip(small, large, strict=True))
    low, high = wilson(right, len(small))
    return f"{right}/{len(small)} [{low:.2f}, {high:.2f}]"


def row(kind: str, processes: int, rows: tuple[list[Measurement], ...]) -> str:
    small, large = ([m.latency_ms for m in each] for each in rows)
    orders = [
        share(*([getattr(m, name) for m in each] for each in rows))
        for name in ("latency_ms", "wall_median_ms", "wall_least_ms")
    ]
    half_widths = [(m.interval[1] - m.interval[0]) / 2 / m.latency_ms for m in rows[0]]
    noisy = sum(m.noisy for each in rows for m in each) / (2 * len(small))
    cells = [
        *(processes, kind, f"{fmean(small):.3f}", f"{stdev(small) / fmean(small):.1%}"),
        *(f"{fmean(half_widths):.1%}", f"{fmean(large) / fmean(small):.2f}", f"{noisy:.0%}"),
        *orders,
        f"{os.getloadavg()[0]:.1f}",
    ]
    return "| " + " | ".join(map(str, cells)) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--busy", type=int, nargs="+", default=[0, 2, 4])
    parser.add_argument("--comparisons", type=int, default=40)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    print(f"{os.cpu_count()} cores, load before: {os.getloadavg()[0]:.1f}")
    print(f"| {' | '.join(COLUMNS)} |\n|" + "---|" * len(COLUMNS))
    for processes in args.busy:
        with busy(processes):
            for kind in ("linear", "convolutional"):
                rows = compare(kind, args.comparisons, args.threads)
                print(row(kind, processes, rows), flush=True)


if __name__ == "__main__":
    main()
