"""A search that a supernet's proposals begin, against one that begins cold, at equal total cost.

    python studies/darts_warm_start/run.py path/to/usps.npz [--datasets digits] [--methods cold]

Each (method, dataset, seed) is a row of a CSV file beside this script, so that running again does
only what is missing. Prints the tables, and draws anytime.png.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
import sys

from anytime import curves
from measure import measure
from measure import Run
from methods import DATASETS
from methods import METHODS
from plot import plot
from report import REFERENCE
from report import report


HERE = Path(__file__).parent


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("usps", type=Path, help="usps.npz; see the README")
    parser.add_argument("--datasets", nargs="+", choices=DATASETS, default=list(DATASETS))
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--seeds", type=int, default=5, help="of each method")
    parser.add_argument(
        "--jobs", type=int, default=len(os.sched_getaffinity(0)), help="processes; all cores"
    )
    chosen = parser.parse_args()
    if "USPS" in chosen.datasets and not chosen.usps.is_file():
        parser.error(f"{chosen.usps} is not there; the README says what it has to hold.")
    if min(chosen.seeds, chosen.jobs) < 1:
        parser.error("--seeds and --jobs must be at least 1.")
    return chosen


def main() -> None:
    chosen = options()
    methods = [name for name in METHODS if name in {*chosen.methods, REFERENCE}]
    # Seed by seed, so that what is there after an interruption compares the methods.
    runs = [
        Run(method, dataset, seed)
        for seed in range(chosen.seeds)
        for dataset in chosen.datasets
        for method in methods
    ]
    try:
        done = measure(chosen.usps, HERE / "runs.csv", runs, chosen.jobs)
    except KeyboardInterrupt:
        sys.exit("Interrupted. The rows so far are kept; run again for the rest.")
    found = curves(done)
    print("\n".join(report(found, dataset) for dataset in chosen.datasets))
    plot(found, chosen.datasets, HERE / "anytime.png")


if __name__ == "__main__":
    main()
