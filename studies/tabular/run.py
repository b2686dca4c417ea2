"""Is the hand-made default of ``spaces.Tabular`` a good first trial?

    python studies/tabular/run.py

Trains it without a search beside scikit-learn's defaults, on the same rows: four fifths of ten
small tables, scored on the rest (accuracy or r2). Rows are kept in rows.jsonl as they come, and
running again does what is missing. Prints two Markdown tables.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from concurrent.futures import as_completed
from concurrent.futures import ProcessPoolExecutor
from functools import partial
import json
from multiprocessing import get_context
from pathlib import Path
from time import thread_time
from typing import Any
from typing import NamedTuple
import warnings

from baselines import METHODS as BASELINES
import numpy as np
from numpy.typing import NDArray
from problems import NEW
from problems import PROBLEMS
from problems import Table
from problems import TUNED_ON
from scipy.stats import rankdata
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits
import torch
from torch import nn

from optuna_nas import build
from optuna_nas.spaces import Tabular
from optuna_nas.training import cosine
from optuna_nas.training import fit
from optuna_nas.training import Recipe
from optuna_nas.training import score


ROWS = Path(__file__).parent / "rows.jsonl"
EPOCHS = 60
FIRST_SEED = 10  # what was tuned was tuned on seeds 0 and 1


class Run(NamedTuple):
    method: str
    problem: str
    seed: int


def tabular(train: Table, test: Table, seed: int, **changed: Any) -> float:
    scaler = StandardScaler().fit(train.x[:, : train.numeric])
    mean, deviation = train.y.mean(), train.y.std()

    def prepared(table: Table) -> tuple[NDArray[np.float32], NDArray[Any]]:
        numbers, codes = np.split(table.x, [table.numeric], axis=1)
        x = np.hstack([scaler.transform(numbers), codes + 1]).astype("float32")
        if table.is_classification:
            return x, table.y
        return x, ((table.y - mean) / deviation).astype("float32")

    classification = train.is_classification
    network = Tabular(
        train.numeric,
        train.cardinalities,
        len(np.unique(train.y)) if classification else 1,
        task="classification" if classification else "regression",
        **changed,
    )
    torch.manual_seed(seed)
    module = build(network, network.default_params())
    fit(module, prepared(train), epochs=EPOCHS, recipe=recipe, seed=seed, device="cpu")
    return score(module, prepared(test))


def recipe(trial: Any, module: nn.Module) -> Recipe:
    optimizer = torch.optim.AdamW(module.parameters(), lr=3e-3, weight_decay=0.05, fused=True)
    return Recipe(optimizer, batch_size=128, schedule=cosine(warmup=0.1))


METHODS: Mapping[str, Callable[[Table, Table, int], float]] = {
    "Tabular": tabular,
    "one network": partial(tabular, ensembles=[1]),
    **BASELINES,
}


def measured(run: Run) -> tuple[Run, float, float]:
    torch.set_num_threads(1)
    table = PROBLEMS[run.problem](np.random.default_rng(run.seed))
    train, test = table.split(run.seed)
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        started = thread_time()
        value = METHODS[run.method](train, test, run.seed)
    return run, value, thread_time() - started


def done() -> dict[Run, tuple[float, float]]:
    lines = ROWS.read_text().splitlines() if ROWS.exists() else []
    return {Run(*run): (value, seconds) for run, value, seconds in map(json.loads, lines)}


def measure(runs: Sequence[Run], jobs: int) -> Mapping[Run, tuple[float, float]]:
    missing = [run for run in runs if run not in done()]
    with ProcessPoolExecutor(jobs, get_context("spawn")) as pool, ROWS.open("a") as rows:
        for future in as_completed([pool.submit(measured, run) for run in missing]):
            print(json.dumps(future.result()), file=rows, flush=True)
    return done()


def report(rows: Mapping[Run, tuple[float, float]], seeds: Sequence[int]) -> None:
    print(f"\n| | {' | '.join(METHODS)} |\n|---|{'---|' * len(METHODS)}")
    for problem in PROBLEMS:
        of_method = [[rows[Run(m, problem, seed)][0] for seed in seeds] for m in METHODS]
        cells = [f"{100 * np.mean(v):.1f} +- {100 * np.std(v):.1f}" for v in of_method]
        print(f"| {problem} | {' | '.join(cells)} |")
    print(f"\n| | {' | '.join(METHODS)} |\n|---|{'---|' * len(METHODS)}")
    for name, problems in {"tuned on": TUNED_ON, "new": NEW}.items():
        ranks = [
            rankdata([-rows[Run(m, problem, seed)][0] for m in METHODS])
            for problem in problems
            for seed in seeds
        ]
        cells = [f"{rank:.2f}" for rank in np.mean(ranks, axis=0)]
        print(f"| mean rank, {name} | {' | '.join(cells)} |")
    seconds = [[rows[Run(m, p, seed)][1] for p in PROBLEMS for seed in seeds] for m in METHODS]
    print(f"| seconds a fit | {' | '.join(f'{np.mean(of):.1f}' for of in seconds)} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=1)
    chosen = parser.parse_args()
    seeds = range(FIRST_SEED, FIRST_SEED + chosen.seeds)
    runs = [Run(m, p, seed) for seed in seeds for p in PROBLEMS for m in METHODS]
    report(measure(runs, chosen.jobs), seeds)


if __name__ == "__main__":
    main()
