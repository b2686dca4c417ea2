"""One-shot searches on NAS-Bench-201 (CIFAR-10), judged by the published table.

    python studies/one_shot_nasbench201/run.py METHOD --images path/to/cifar10_jpeg.npz
        --table path/to/nasbench201_cifar10.npz --device cuda

METHOD is one of darts, gdas, fair_darts, pc_darts, single_path, recommended, or all. Each (method,
seed) is a row of a CSV file beside this script, so that running again does only what is missing.
"""

from __future__ import annotations

import argparse
from pathlib import Path
import sys

from images import decode
from methods import METHODS
from report import report
from rows import measure
from rows import Place
from rows import Run
from sizes import SIZES
from table import load


HERE = Path(__file__).parent


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("method", nargs="+", choices=[*METHODS, "all"])
    parser.add_argument("--images", type=Path, required=True, help="CIFAR-10 as JPEG; README")
    parser.add_argument("--table", type=Path, required=True, help="NAS-Bench-201; see the README")
    parser.add_argument("--size", choices=SIZES, default="gpu", help="of the search; sizes.py")
    parser.add_argument(
        "--tiny", dest="size", action="store_const", const="tiny", help="to see that it runs"
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--jobs", type=int, default=1, help="processes at a time")
    parser.add_argument("--device", default="cpu")
    chosen = parser.parse_args()
    for path in (chosen.images, chosen.table):
        if not path.is_file():
            parser.error(f"{path} is not there; the README says what it has to hold.")
    if chosen.jobs < 1:
        parser.error("--jobs must be at least 1.")
    return chosen


def main() -> None:
    chosen = options()
    size = SIZES[chosen.size]
    methods = list(METHODS) if "all" in chosen.method else chosen.method
    runs = [Run(method, seed) for seed in chosen.seeds for method in methods]
    images = decode(chosen.images, HERE, size.train + size.valid)
    table = load(chosen.table)
    place = Place(HERE, chosen.size, images, chosen.device)
    try:
        rows = measure(place, table, runs, chosen.jobs)
    except KeyboardInterrupt:
        sys.exit("Interrupted. The rows so far are kept; run again for the rest.")
    print(report(rows, table))


if __name__ == "__main__":
    main()
