"""Optuna's samplers and ours on a published table, in parallel.

    python studies/nasbench201/run.py path/to/nasbench201_cifar10.npz [--protocols mean paper]

No network is trained: every architecture of NAS-Bench-201 is in the table. Each (protocol, method,
seed) is a row of a CSV file beside this script, so that running again does only what is missing.
Writes results.md, and draws anytime.png and hypervolume.png.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
import sys

from measure import measure
from measure import Run
from methods import METHODS
from plot import plot_hypervolume
from plot import plot_regret
from protocols import PROTOCOLS
from protocols import Row
from protocols import SLOWEST
from report import Measured
from report import report


HERE = Path(__file__).parent


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table", type=Path, help="nasbench201_cifar10.npz; see the README")
    parser.add_argument("--protocols", nargs="+", choices=PROTOCOLS, default=list(PROTOCOLS))
    parser.add_argument(
        "--methods", nargs="+", choices=METHODS, help="instead of those of the protocol"
    )
    parser.add_argument("--seeds", type=int, default=30, help="of each method, at least 2")
    parser.add_argument("--runs", type=int, default=200, help="seeds of the paper's protocol")
    parser.add_argument(
        "--jobs", type=int, default=len(os.sched_getaffinity(0)), help="processes; all cores"
    )
    chosen = parser.parse_args()
    if not chosen.table.is_file():
        parser.error(f"{chosen.table} is not there; the README says what it has to hold.")
    if min(chosen.seeds, chosen.runs) < 2:
        parser.error("--seeds and --runs must be at least 2, to have a deviation.")
    if chosen.jobs < 1:
        parser.error("--jobs must be at least 1.")
    return chosen


def wanted(chosen: argparse.Namespace) -> list[Run]:
    """Seed by seed, so that what is there after an interruption compares the methods."""
    runs = []
    for protocol in chosen.protocols:
        seeds = chosen.runs if protocol == "paper" else chosen.seeds
        for seed in range(seeds):
            for method in chosen.methods or PROTOCOLS[protocol].methods:
                if seed < (METHODS[method].seeds or seeds):
                    runs.append(Run(protocol, method, seed))
    return runs


def by_method(protocol: str, done: dict[Run, Row]) -> Measured:
    measured: dict[str, list[Row]] = {}
    for run, row in done.items():
        if run.protocol == protocol:
            measured.setdefault(run.method, []).append(row)
    return measured


def main() -> None:
    chosen = options()
    try:
        done = measure(chosen.table, HERE, wanted(chosen), chosen.jobs)
    except KeyboardInterrupt:
        sys.exit("Interrupted. The rows so far are kept; run again for the rest.")
    measured = {protocol: by_method(protocol, done) for protocol in chosen.protocols}
    text = "\n".join(report(protocol, rows) for protocol, rows in measured.items())
    (HERE / "results.md").write_text(text)
    print(text)
    signals = {name: rows for name, rows in measured.items() if name in ("mean", "noisy")}
    if signals:
        plot_regret(signals, HERE / "anytime.png")
    devices = {name: rows for name, rows in measured.items() if name in SLOWEST}
    if devices:
        plot_hypervolume(devices, HERE / "hypervolume.png")


if __name__ == "__main__":
    main()
