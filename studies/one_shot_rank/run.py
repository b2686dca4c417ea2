"""Do one-shot scores rank architectures as training them alone does?

    python studies/one_shot_rank/run.py path/to/usps.npz [--seeds 3] [--jobs 2]

Each (method, seed) is a row of rows.jsonl beside this script, and so is each architecture trained
alone; running again does only what is missing. Writes results.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from concurrent.futures import as_completed
from concurrent.futures import ProcessPoolExecutor
import json
from multiprocessing import get_context
import os
from pathlib import Path
from time import perf_counter
from typing import Any
from typing import NamedTuple

from methods import FIXED
from methods import SEEDED
import problem
from report import report
import torch


HERE = Path(__file__).parent
ALONE = "alone"
ALONE_SEEDS = 2


class Run(NamedTuple):
    method: str
    seed: int
    architecture: int = 0


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="usps.npz; see the README")
    parser.add_argument("--seeds", type=int, default=3, help="of each method, at least 2")
    parser.add_argument(
        "--jobs", type=int, default=len(os.sched_getaffinity(0)), help="processes; all cores"
    )
    chosen = parser.parse_args()
    if not chosen.data.is_file():
        parser.error(f"{chosen.data} is not there; the README says what it has to hold.")
    if chosen.seeds < 2:
        parser.error("--seeds must be at least 2, to have a deviation.")
    return chosen


def wanted(seeds: int) -> list[Run]:
    """What scores are compared with first, then seed by seed, so that methods can be compared."""
    runs = [
        Run(ALONE, seed, i) for seed in range(ALONE_SEEDS) for i in range(problem.ARCHITECTURES)
    ]
    runs += [Run(method, 0) for method in FIXED]
    runs += [Run(method, seed) for seed in range(seeds) for method in SEEDED]
    return runs


def do(run: Run, path: Path) -> dict[str, Any]:
    torch.set_num_threads(1)
    if run.method == ALONE:
        started = perf_counter()
        module = problem.stand_alone(problem.sample()[run.architecture], run.seed, path)
        found = {
            "passes": problem.EPOCHS * problem.TRAIN_ROWS,
            "seconds": perf_counter() - started,
            "scores": problem.scores(module, path),
        }
    else:
        found = (SEEDED | FIXED)[run.method](path, run.seed)
    return {**run._asdict(), **found}


def measure(path: Path, runs: Sequence[Run], jobs: int) -> dict[Run, dict[str, Any]]:
    """Returns the rows of all runs. Only this process writes, so that no row is torn."""
    rows = HERE / "rows.jsonl"
    kept = [json.loads(line) for line in rows.read_text().splitlines()] if rows.exists() else []
    done = {Run(*(row[name] for name in Run._fields)): row for row in kept}
    os.environ.update(OMP_NUM_THREADS="1", MKL_NUM_THREADS="1")  # for the processes below
    with ProcessPoolExecutor(jobs, get_context("spawn")) as pool, rows.open("a") as file:
        futures = {pool.submit(do, run, path): run for run in runs if run not in done}
        try:
            for future in as_completed(futures):
                done[futures[future]] = future.result()
                print(json.dumps(future.result()), file=file, flush=True)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return {run: done[run] for run in runs}


def main() -> None:
    chosen = options()
    rows = measure(chosen.data, wanted(chosen.seeds), chosen.jobs)
    alone = [
        [rows[Run(ALONE, seed, i)] for i in range(problem.ARCHITECTURES)]
        for seed in range(ALONE_SEEDS)
    ]
    methods = {m: [row for run, row in rows.items() if run.method == m] for m in SEEDED | FIXED}
    text = report(alone, methods)
    (HERE / "results.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
