"""Are the fingerprints of NAS-Bench-201 those of its graphs, and what do they take?

    python studies/fingerprints/run.py [--names 500]

Builds each of the 15,625 names with one cell a stage, on the meta device, and hashes it, in one
process with one thread. Then checks the classes: their number, that each has one live parameter
count, and that two names are in one class if and only if their graphs are isomorphic.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
import gc
from itertools import product
import random
import time

from graphs import canonical
from graphs import cell
import torch

from optuna_nas import build
from optuna_nas import fingerprint
from optuna_nas.space._fingerprint import live_parameters
from optuna_nas.spaces import NASBench201


EDGES = ("0>1", "0>2", "1>2", "0>3", "1>3", "2>3")
OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
ALL = list(product(OPERATIONS, repeat=len(EDGES)))
CLASSES = 5_260
SECONDS = 120
NETWORK = NASBench201(cells=1)
EXAMPLE = torch.zeros(2, 3, 32, 32)


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--names", type=int, default=len(ALL), help="so many, at random; by default all"
    )
    chosen = parser.parse_args()
    if not 1 <= chosen.names <= len(ALL):
        parser.error(f"--names must be in 1..{len(ALL)}.")
    return chosen


def hashed(names: Sequence[Sequence[str]]) -> tuple[list[str], float, float]:
    """Fingerprints, and the seconds that building and hashing took, of the processor."""
    shapes: dict = {}
    found, building, started = [], 0.0, time.process_time()
    for name in names:
        began = time.process_time()
        with torch.device("meta"):
            module = build(NETWORK, dict(zip(EDGES, name, strict=True)))
        building += time.process_time() - began
        found.append(fingerprint(module, EXAMPLE, shapes=shapes))
    return found, building, time.process_time() - started - building


def live(names: Sequence[Sequence[str]]) -> list[int]:
    counts = []
    for name in names:
        with torch.device("meta"):
            module = build(NETWORK, dict(zip(EDGES, name, strict=True)))
        counts.append(live_parameters(module, EXAMPLE))
    return counts


def main() -> None:
    chosen = options()
    torch.set_num_threads(1)
    gc.freeze()  # torch itself is no garbage, and need not be looked through again and again
    complete = chosen.names == len(ALL)
    names = ALL if complete else random.Random(0).sample(ALL, chosen.names)
    started = time.perf_counter()
    prints, building, hashing = hashed(names)
    wall = time.perf_counter() - started
    graphs = [canonical(cell(name)) for name in names]
    classes, isomorphic = len(set(prints)), len(set(graphs))
    together = len(set(zip(prints, graphs, strict=True)))
    counts = len(set(zip(prints, live(names), strict=True)))
    seconds, ms = building + hashing, 1000 / len(names)
    same, fast = classes == isomorphic == together, seconds < SECONDS

    def met(yes: bool, of_all: bool = False) -> str:
        return "-" if of_all and not complete else "yes" if yes else "**no**"

    print(f"{len(names):,} names, torch {torch.__version__}, one thread\n")
    for row in (
        ("", "", "bar", "met"),
        ("---",) * 4,
        ("classes", f"{classes:,}", f"{CLASSES:,} of all", met(classes == CLASSES, True)),
        ("of isomorphic graphs", f"{isomorphic:,}", "the same classes", met(same)),
        ("class and live parameters", f"{counts:,}", "one a class", met(counts == classes)),
        (
            "seconds of the processor",
            f"{seconds:.0f}",
            f"below {SECONDS} for all",
            met(fast, True),
        ),
        ("of which to build", f"{building:.0f}, {building * ms:.1f} ms a network", "", ""),
        ("of which to hash", f"{hashing:.0f}, {hashing * ms:.1f} ms a network", "", ""),
        ("seconds by the wall clock", f"{wall:.0f}", "", ""),
    ):
        print(f"| {' | '.join(row)} |")


if __name__ == "__main__":
    main()
