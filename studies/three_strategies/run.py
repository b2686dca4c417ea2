"""Three strategies on the articles' problem, beside their plain algorithms, in parallel.

    python studies/three_strategies/run.py [--methods random evolution]

Each (method, seed) is a row of rows.csv beside this script, and each training a line in
evaluations/, so that running again does only what is missing. Writes results.md, draws
anytime.png.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
import sys

from measure import measure
from measure import Run
from methods import METHODS
from plot import plot
from report import report


HERE = Path(__file__).parent


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--seeds", type=int, default=30, help="of each method, at least 2")
    parser.add_argument(
        "--jobs", type=int, default=len(os.sched_getaffinity(0)), help="processes; all cores"
    )
    chosen = parser.parse_args()
    if chosen.seeds < 2:
        parser.error("--seeds must be at least 2, to have quartiles.")
    if chosen.jobs < 1:
        parser.error("--jobs must be at least 1.")
    return chosen


def main() -> None:
    chosen = options()
    runs = [Run(method, seed) for seed in range(chosen.seeds) for method in chosen.methods]
    try:
        done = measure(HERE, runs, chosen.jobs)
    except KeyboardInterrupt:
        sys.exit("Interrupted. The trainings so far are kept; run again for the rest.")
    rows = {m: [done[Run(m, s)] for s in range(chosen.seeds)] for m in chosen.methods}
    text = report(rows)
    (HERE / "results.md").write_text(text)
    print(text)
    plot(rows, HERE / "anytime.png")


if __name__ == "__main__":
    main()
