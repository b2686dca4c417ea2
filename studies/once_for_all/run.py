"""Are sub-networks of a once-for-all network as good as the same networks trained alone?

    python studies/once_for_all/run.py path/to/usps.npz [--seeds 3]

Each (method, seed) is a row of a CSV file beside this script, so that running again does only what
is missing. Delete it after changing the training.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
import csv
from itertools import combinations
from pathlib import Path
from statistics import mean
from statistics import median
from statistics import stdev
import time
from typing import Any

import numpy as np
from scipy.stats import kendalltau
import torch
from torch import nn
from torch import Tensor

from optuna_nas import build
from optuna_nas import metrics
from optuna_nas.oneshot import OnceForAll
from optuna_nas.oneshot import train_once_for_all
from optuna_nas.spaces import MobileNet
from optuna_nas.training import fit
from optuna_nas.training import score


ROWS = Path(__file__).parent / "rows.csv"
SPACE = MobileNet(
    num_classes=10,
    in_channels=1,
    stages=((16, 1), (24, 2)),
    max_depth=2,
    widths=(0.5, 1.0),
    kernels=(3, 5),
    expansions=(2, 4),
    stem_channels=16,
    stem_stride=2,
    head_channels=64,
)
TRAIN = 1000
EPOCHS = (6, 6, 6, 6)
"""The largest network, kernels, depths, the rest. Alone, a network is trained for the sum."""
ARCHITECTURES = 12

Data = tuple[Tensor, Tensor]
Params = dict[str, Any]


def load(path: Path) -> tuple[Data, Data]:
    """1,000 rows to train on, and the test part."""
    with np.load(path) as file:
        parts = {key: torch.as_tensor(file[key]) for key in file.files}
    keep = torch.randperm(len(parts["x_train"]), generator=torch.Generator().manual_seed(0))[
        :TRAIN
    ]
    train = parts["x_train"][keep], parts["y_train"][keep]
    return tuple(
        (x.float().reshape(-1, 1, 16, 16) / 255, y.long())
        for x, y in (train, (parts["x_test"], parts["y_test"]))
    )


def architectures() -> list[Params]:
    """The smallest, the largest, and some that are random: the same for all seeds."""
    supernet = OnceForAll(SPACE)
    smallest: Params = {"width": 0.5}
    for i in range(len(SPACE.stages)):
        smallest |= {f"stage{i}/depth": 1, f"stage{i}/se": "se0"}
        smallest |= {f"stage{i}/block0/expansion": "e2", f"stage{i}/block0/kernel": "k3"}
    generator = torch.Generator().manual_seed(0)
    drawn = [supernet.sample(generator) for _ in range(ARCHITECTURES - 2)]
    return sorted([smallest, supernet.largest, *drawn], key=flops)


def flops(params: Params) -> float:
    with torch.device("meta"):
        module = build(SPACE, params)
    return metrics.Flops(torch.zeros(1, 1, 16, 16)).measure(module)


def milliseconds(params: Params) -> float:
    """Of one thread's time for 16 images, the median of 50 passes; of waiting it is free."""
    module, images = build(SPACE, params).eval(), torch.randn(16, 1, 16, 16)
    taken = []
    with torch.no_grad():
        for _ in range(60):
            started = time.thread_time()
            module(images)
            taken.append(1e3 * (time.thread_time() - started))
    return median(taken[10:])


def supernet_of(train: Data, seed: int) -> OnceForAll:
    torch.manual_seed(seed)
    supernet = OnceForAll(SPACE)
    for _ in train_once_for_all(supernet, train, epochs=EPOCHS, seed=seed):
        pass
    return supernet


def cut(wanted: list[Params], train: Data, test: Data, seed: int) -> dict[str, list[float]]:
    """Sub-networks of one once-for-all network, with statistics of their own and without."""
    supernet = supernet_of(train, seed)
    plain = [score(supernet.derive(params), test) for params in wanted]
    own = [score(supernet.derive(params, recalibrate=[train]), test) for params in wanted]
    return {"once for all": own, "without recalibration": plain}


def alone(wanted: list[Params], train: Data, test: Data, seed: int) -> dict[str, list[float]]:
    """Each network trained from fresh weights."""

    def trained(params: Params) -> nn.Module:
        torch.manual_seed(seed)
        module = build(SPACE, params)
        fit(module, train, epochs=sum(EPOCHS), seed=seed)
        return module

    return {"alone": [score(trained(params), test) for params in wanted]}


METHODS: dict[str, Callable[[list[Params], Data, Data, int], dict[str, list[float]]]] = {
    "once for all": cut,
    "alone": alone,
}


def measured() -> dict[tuple[str, int], list[float]]:
    """What is there: the CPU seconds, then the accuracies."""
    if not ROWS.exists():
        return {}
    with ROWS.open(newline="") as file:
        return {(row[0], int(row[1])): [float(x) for x in row[2:]] for row in csv.reader(file)}


def measure(data: tuple[Data, Data], wanted: list[Params], seeds: int) -> None:
    for seed in range(seeds):
        for name, method in METHODS.items():
            if (name, seed) not in measured():
                started = time.process_time()
                found = method(wanted, *data, seed)
                seconds = time.process_time() - started
                with ROWS.open("a", newline="") as file:
                    for row, accuracies in found.items():
                        csv.writer(file).writerow([row, seed, seconds, *accuracies])
                print(f"{name}, seed {seed}: {seconds:.0f} s of CPU", flush=True)


def told(values: list[float], digits: int) -> str:
    return f"{mean(values):.{digits}f} +- {stdev(values):.{digits}f}"


def report(wanted: list[Params], seeds: int) -> None:
    rows = {key: row for key, row in measured().items() if key[1] < seeds}
    names = list(dict.fromkeys(name for name, _ in rows))
    accuracy = {key: [100 * x for x in row[1:]] for key, row in rows.items()}
    sizes = [flops(params) for params in wanted]
    print(f"| MFLOPs | ms | {' | '.join(names)} |\n|---|---|{'---|' * len(names)}")
    for i, params in enumerate(wanted):
        cells = [told([accuracy[name, seed][i] for seed in range(seeds)], 2) for name in names]
        print(f"| {sizes[i] / 1e6:.2f} | {milliseconds(params):.2f} | {' | '.join(cells)} |")
    means = [told([mean(accuracy[n, s]) for s in range(seeds)], 2) for n in names]
    seconds = [f"{mean([rows[n, s][0] for s in range(seeds)]):.0f}" for n in names]
    print(f"| mean | | {' | '.join(means)} |\n| CPU seconds | | {' | '.join(seconds)} |\n")

    def tau(first: list[float], second: list[float]) -> float:
        return float(kendalltau(first, second).statistic)

    average = np.mean([accuracy["alone", seed] for seed in range(seeds)], axis=0).tolist()
    print("| Kendall's tau with the mean of alone | |\n|---|---|")
    for name in names:
        if name != "alone":
            taus = [tau(accuracy[name, seed], average) for seed in range(seeds)]
            print(f"| {name} | {told(taus, 2)} |")
    print(f"| the number of FLOPs | {tau(sizes, average):.2f} |")
    pairs = combinations([accuracy["alone", seed] for seed in range(seeds)], 2)
    print(f"| alone, one seed with another | {told([tau(a, b) for a, b in pairs], 2)} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="usps.npz; see the README")
    parser.add_argument("--seeds", type=int, default=3, help="at least 3, to have deviations")
    options = parser.parse_args()
    if not options.data.is_file():
        parser.error(f"{options.data} is not there; the README says what it has to hold.")
    if options.seeds < 3:
        parser.error("--seeds must be at least 3, to have deviations.")
    torch.set_num_threads(1)
    wanted = architectures()
    measure(load(options.data), wanted, options.seeds)
    report(wanted, options.seeds)


if __name__ == "__main__":
    main()
