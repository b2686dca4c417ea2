"""Does a search on USPS gain from an earlier one on digits?

    python studies/transfer/run.py path/to/usps.npz [--seeds 5]

For each seed: a search on digits (8 x 8), then searches on USPS (16 x 16) that begin cold, with
what did best on digits, or with what was drawn at random from that search. Each (method, seed) is
a row of rows.jsonl, and the searches on digits are kept as digits_<seed>.journal, so that running
again does only what is missing. Prints the tables.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from concurrent.futures import as_completed
from concurrent.futures import ProcessPoolExecutor
from functools import partial
import json
from multiprocessing import get_context
import os
from pathlib import Path
import signal
from time import process_time
from typing import Any

import numpy as np
import optuna
from optuna.samplers import BaseSampler
from optuna.trial import TrialState
from scipy.stats import ttest_rel
from sklearn.datasets import load_digits
import torch
from torch import nn

from optuna_nas import create_study
from optuna_nas import Objective
from optuna_nas import spaces
from optuna_nas import Train
from optuna_nas import warm_start
from optuna_nas.samplers import PredictorSampler
from optuna_nas.samplers import RandomSampler
from optuna_nas.study import describe_data
from optuna_nas.training import score


HERE = Path(__file__).parent
ROWS = HERE / "rows.jsonl"
TRIALS, EPOCHS, K = 30, 6, 5
PREDICTOR = partial(PredictorSampler, n_initial=10)  # the default when this was measured
TRAIN_ROWS, VALID_ROWS = 800, 1000
AFTER = (1, 5, 10, 20, 30)

Part = tuple[np.ndarray, np.ndarray]


def digits() -> list[Part]:
    """Train and valid; there are 997 to score on."""
    x, y = load_digits(return_X_y=True)
    x, rows = x.reshape(-1, 1, 8, 8) / 16, np.random.default_rng(0).permutation(len(x))
    return [_part(x, y, rows[:TRAIN_ROWS]), _part(x, y, rows[TRAIN_ROWS:])]


def usps(path: Path) -> list[Part]:
    """Train, valid, and the test part of its own."""
    with np.load(path) as arrays:
        x, y = arrays["x_train"][:, None] / 255, arrays["y_train"]
        x_test, y_test = arrays["x_test"][:, None] / 255, arrays["y_test"]
    rows = np.random.default_rng(0).permutation(len(x))
    cut = np.split(rows[: TRAIN_ROWS + VALID_ROWS], [TRAIN_ROWS])
    return [*(_part(x, y, part) for part in cut), _part(x_test, y_test, np.arange(len(x_test)))]


def _part(x: np.ndarray, y: np.ndarray, rows: np.ndarray) -> Part:
    return x[rows].astype(np.float32), y[rows].astype(np.int64)


class Tested:
    """Trains, and notes what the network scores on rows that the search does not see."""

    direction = "maximize"

    def __init__(self, train: Train, test: Part) -> None:
        self.train, self.test, self.example = train, test, train.example

    def __call__(self, module: nn.Module, trial: Any) -> float:
        found = self.train(module, trial)
        trial.set_user_attr("test", score(module, self.test))
        return found


def network(train: Part) -> spaces.CNN:
    return spaces.CNN(input_shape=train[0].shape[1:], num_classes=10, widths=(4, 8, 16))


def on_digits(seed: int) -> optuna.Study:
    """The earlier search; what was done of it is not done again."""
    train, valid = digits()
    study = create_study(
        sampler=PREDICTOR(seed=seed),
        pruner=None,
        direction="maximize",
        storage=str(HERE / f"digits_{seed}.journal"),
        study_name="digits",
        load_if_exists=True,
        seed=seed,
    )
    describe_data(study, *train)
    complete = len(study.get_trials(deepcopy=False, states=[TrialState.COMPLETE]))
    study.optimize(
        Objective(network(train), Train(train, valid, epochs=EPOCHS, seed=seed)),
        n_trials=TRIALS - complete,
    )
    return study


def nothing(study: optuna.Study, earlier: optuna.Study, seed: int) -> None:
    """Begins cold."""


def the_best(study: optuna.Study, earlier: optuna.Study, seed: int) -> None:
    warm_start(study, from_studies=[earlier], k=K)


def any_five(study: optuna.Study, earlier: optuna.Study, seed: int) -> None:
    """The control: architectures of the earlier search, whatever they scored there."""
    complete = earlier.get_trials(states=[TrialState.COMPLETE])
    drawn = np.random.default_rng(seed).permutation(len(complete))[:K]
    warm_start(study, [complete[i].params for i in drawn])


METHODS: dict[
    str, tuple[Callable[..., BaseSampler], Callable[[optuna.Study, optuna.Study, int], None]]
] = {
    "random search": (RandomSampler, nothing),
    "cold": (PREDICTOR, nothing),
    "warm: 5 of digits at random": (PREDICTOR, any_five),
    "warm: the best 5 of digits": (PREDICTOR, the_best),
}


def search(method: str, seed: int, path: Path) -> dict[str, Any]:
    """One row: the scores of all trials in order, and what they took."""
    train, valid, test = usps(path)
    sampler, begin = METHODS[method]
    number = 1000 + seed
    study = create_study(
        sampler=sampler(seed=number), pruner=None, direction="maximize", seed=number
    )
    evaluate = Tested(Train(train, valid, epochs=EPOCHS, seed=seed), test)
    objective = Objective(network(train), evaluate)
    objective.check(study)
    describe_data(study, *train)
    begin(study, on_digits(seed), seed)
    started = process_time()
    study.optimize(objective, n_trials=TRIALS)
    return {
        "method": method,
        "seed": seed,
        "valid": [trial.value for trial in study.trials],
        "test": [trial.user_attrs.get("test") for trial in study.trials],
        "cpu_seconds": process_time() - started,
    }


def rows() -> dict[tuple[str, int], dict[str, Any]]:
    lines = ROWS.read_text().splitlines() if ROWS.exists() else []
    return {(row["method"], row["seed"]): row for row in map(json.loads, lines)}


def measure(seeds: int, path: Path, jobs: int) -> None:
    """Does what is missing, first on digits; only this process writes rows."""
    done = rows()
    missing = [(m, s) for s in range(seeds) for m in METHODS if (m, s) not in done]
    with ProcessPoolExecutor(jobs, get_context("spawn"), initializer=_start) as pool:
        list(pool.map(_prepare, sorted({seed for _, seed in missing})))
        futures = [pool.submit(search, *run, path) for run in missing]
        for future in as_completed(futures):
            with ROWS.open("a") as file:
                file.write(json.dumps(future.result()) + "\n")


def _prepare(seed: int) -> None:
    on_digits(seed)


def _start() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends it without a traceback
    torch.set_num_threads(1)
    optuna.logging.set_verbosity(optuna.logging.WARNING)


def best_after(row: dict[str, Any]) -> list[float]:
    """In %, after so many trials; a rejected trial counts as 0."""
    scores = np.array([value or 0.0 for value in row["valid"]])
    return [100 * scores[:n].max() for n in AFTER]


def tested(row: dict[str, Any]) -> float:
    return 100 * row["test"][int(np.argmax([value or 0.0 for value in row["valid"]]))]


def told(values: np.ndarray) -> str:
    deviation = f" +- {values.std(ddof=1):.2f}" if len(values) > 1 else ""
    return f"{values.mean():.2f}{deviation}"


def difference(values: np.ndarray) -> str:
    if len(values) < 2 or values.std() == 0:
        return f"{values.mean():+.2f}"
    p = ttest_rel(values, np.zeros(len(values))).pvalue
    return f"{values.mean():+.2f} +- {values.std(ddof=1):.2f} (p {p:.2f})"


def report(seeds: int) -> None:
    done = rows()
    found = {
        m: np.array([[*best_after(r), tested(r)] for s in range(seeds) if (r := done.get((m, s)))])
        for m in METHODS
    }
    head = "".join(f" after {n} |" for n in AFTER)
    print(f"| validation accuracy on USPS, % |{head} test |\n|{'---|' * (len(AFTER) + 2)}")
    for method, values in found.items():
        print(f"| {method} |" + "".join(f" {told(column)} |" for column in values.T))
    warm = found["warm: the best 5 of digits"]
    print(f"\n| the best 5 of digits, less |{head} test |\n|{'---|' * (len(AFTER) + 2)}")
    for method, values in found.items():
        if values is not warm:
            pairs = (warm - values).T
            print(f"| {method} |" + "".join(f" {difference(column)} |" for column in pairs))
    seconds = sum(row["cpu_seconds"] for (_, s), row in done.items() if s < seeds)
    print(f"\n{seeds} seeds, {seconds / 60:.1f} minutes of a core on USPS.")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("usps", type=Path, help="usps.npz: x_train, y_train, x_test, y_test")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    chosen = parser.parse_args()
    if not chosen.usps.is_file():
        parser.error(f"{chosen.usps} is not there; the README says what it has to hold.")
    if min(chosen.seeds, chosen.jobs) < 1:
        parser.error("--seeds and --jobs must be at least 1.")
    measure(chosen.seeds, chosen.usps, chosen.jobs)
    report(chosen.seeds)


if __name__ == "__main__":
    main()
