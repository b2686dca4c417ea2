"""How alike are two scores of one network, with other weights and other images?

    python studies/zero_cost/repeat.py scores.csv cifar10_1000.npz nasbench201_cifar10.npz

Scores the first networks with published scores anew, each time with fresh weights and the next
images: Spearman of each two times, with the published score, and with accuracy. Prints a table.
"""

from __future__ import annotations

import argparse
import csv
from itertools import combinations
from pathlib import Path

import numpy as np
from run import BATCH
from run import batch_of
from run import params_of
from run import PUBLISHED
import torch

from optuna_nas import build
from optuna_nas import proxies
from optuna_nas.metrics._latency_fit import spearman
from optuna_nas.spaces import NASBench201


TIMES = 3


def scores(name: str, indices: list[int], images: Path, table: Path, rows: int) -> list[float]:
    """Of all times, one after the other; each has seeds and images of its own."""
    found = []
    for time in range(TIMES):
        batch = batch_of(images, time * rows, rows)
        for index in indices:
            torch.manual_seed(1000 * (time + 1) + index)
            network = build(NASBench201(), params_of(index, table))
            found.append(getattr(proxies, name)(network, batch))
    return found


def span(rhos: list[float]) -> str:
    return f"{min(rhos):.2f} to {max(rhos):.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("scores", type=Path, help="zero_cost_nasbench201_cifar10.csv")
    parser.add_argument("images", type=Path, help="cifar10_1000.npz")
    parser.add_argument("table", type=Path, help="nasbench201_cifar10.npz")
    parser.add_argument("--proxies", nargs="+", choices=PUBLISHED, default=["grasp", "snip"])
    parser.add_argument("--rows", nargs="+", type=int, default=[BATCH, 2 * BATCH])
    parser.add_argument("--networks", type=int, default=60)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    with chosen.scores.open() as file:
        entries = list(csv.DictReader(file))[: chosen.networks]
    indices = [int(entry["arch_index"]) for entry in entries]
    with np.load(chosen.table) as data:
        accuracy = data["test_accuracy_200_epochs"][indices]
    columns = "| proxy | networks | images | two of ours | one of ours with the published |"
    print(f"{columns} with accuracy |\n|---|---|---|---|---|---|")
    for name in chosen.proxies:
        published = [float(entry[PUBLISHED[name]]) for entry in entries]
        for rows in chosen.rows:
            found = scores(name, indices, chosen.images, chosen.table, rows)
            times = [found[i * len(entries) :][: len(entries)] for i in range(TIMES)]
            ours = [spearman(a, b) for a, b in combinations(times, 2)]
            theirs = [spearman(one, published) for one in times]
            true = ", ".join(f"{spearman(one, accuracy):.3f}" for one in times)
            cells = (name, len(entries), rows, span(ours), span(theirs), true)
            print(f"| {' | '.join(map(str, cells))} |", flush=True)


if __name__ == "__main__":
    main()
