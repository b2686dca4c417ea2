"""``NASClassifier`` and ``NASRegressor`` beside what scikit-learn's users would take instead.

    python studies/estimators/run.py [--usps path/to/usps.npz]

Each (method, problem, seed) is a line of rows.jsonl, kept as soon as it is there, so that running
again does only what is missing. Prints scores (accuracy or r2), mean ranks and seconds a fit.
"""

from __future__ import annotations

import argparse
from concurrent.futures import as_completed
from concurrent.futures import ProcessPoolExecutor
import json
from multiprocessing import get_context
import os
from pathlib import Path
from time import perf_counter
from typing import NamedTuple
import warnings

from methods import METHODS
import numpy as np
import optuna
from problems import PROBLEMS
from problems import usps
from scipy.stats import rankdata
from threadpoolctl import threadpool_limits
import torch


ROWS = Path(__file__).parent / "rows.jsonl"


class Run(NamedTuple):
    method: str
    problem: str
    seed: int


class Result(NamedTuple):
    score: float
    seconds: float


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--usps", type=Path, help="usps.npz, for one problem more")
    parser.add_argument("--problems", nargs="+", default=[*PROBLEMS, "USPS"])
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--seeds", type=int, default=3, help="splits of each problem, at least 2")
    parser.add_argument("--seconds", type=float, default=30, help="of a search")
    parser.add_argument(
        "--jobs", type=int, default=len(os.sched_getaffinity(0)), help="fits at a time; all cores"
    )
    return parser.parse_args()


def measured(run: Run, path: Path | None, seconds: float) -> tuple[Run, Result]:
    """One fit on one thread."""
    torch.set_num_threads(1)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    problems = PROBLEMS | ({"USPS": usps(path)} if path else {})
    data = problems[run.problem](run.seed)
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        started = perf_counter()
        score = METHODS[run.method](data, run.seed, seconds)
    return run, Result(score, perf_counter() - started)


def done() -> dict[Run, Result]:
    lines = ROWS.read_text().splitlines() if ROWS.exists() else []
    return {Run(*run): Result(*result) for run, result in map(json.loads, lines)}


def report(rows: dict[Run, Result], chosen: argparse.Namespace, problems: list[str]) -> str:
    methods, seeds = chosen.methods, range(chosen.seeds)

    def scores(method: str, problem: str) -> list[float]:
        return [100 * rows[Run(method, problem, seed)].score for seed in seeds]

    lines = [f"| | {' | '.join(methods)} |", f"|---|{'---|' * len(methods)}"]
    for problem in problems:
        cells = [scores(method, problem) for method in methods]
        told = [f"{np.mean(cell):.1f} +- {np.std(cell, ddof=1):.1f}" for cell in cells]
        lines.append(f"| {problem} | {' | '.join(told)} |")
    ranks = [
        rankdata([-rows[Run(method, problem, seed)].score for method in methods])
        for problem in problems
        for seed in seeds
    ]
    lines.append(f"| mean rank | {' | '.join(f'{rank:.2f}' for rank in np.mean(ranks, axis=0))} |")
    seconds = [[rows[Run(m, p, s)].seconds for p in problems for s in seeds] for m in methods]
    lines.append(f"| seconds a fit | {' | '.join(f'{np.mean(s):.1f}' for s in seconds)} |")
    lines.append(f"| the longest | {' | '.join(f'{max(s):.1f}' for s in seconds)} |")
    return "\n".join(lines)


def main() -> None:
    chosen = options()
    problems = [p for p in chosen.problems if p != "USPS" or chosen.usps]
    wanted = [
        Run(method, problem, seed)
        for seed in range(chosen.seeds)
        for problem in problems
        for method in chosen.methods
    ]
    rows = done()
    with (
        ROWS.open("a") as file,
        ProcessPoolExecutor(chosen.jobs, get_context("spawn")) as pool,
    ):
        missing = [run for run in wanted if run not in rows]
        futures = [pool.submit(measured, run, chosen.usps, chosen.seconds) for run in missing]
        for future in as_completed(futures):
            run, result = future.result()
            rows[run] = result
            print(json.dumps([run, result]), file=file, flush=True)
    print(report(rows, chosen, problems))


if __name__ == "__main__":
    main()
