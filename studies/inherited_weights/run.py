"""Does evolution need fewer epochs if children inherit weights?

    python studies/inherited_weights/run.py usps.npz

Searches CNNs on digits and USPS by regularized evolution, from scratch and with inherited weights,
and at random. Each (data, method, seed) is a line of rows.jsonl beside this script, so that
running again does only what is missing. Prints Markdown tables.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from collections.abc import Sequence
from concurrent.futures import as_completed
from concurrent.futures import ProcessPoolExecutor
import json
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from time import thread_time
from typing import Any
from typing import NamedTuple

import numpy as np
import optuna
from sklearn.datasets import load_digits
import torch
from torch import nn

from optuna_nas import build
from optuna_nas import create_study
from optuna_nas import Objective
from optuna_nas import spaces
from optuna_nas import Train
from optuna_nas.training import fit
from optuna_nas.training import Inherit
from optuna_nas.training import score


ROWS = Path(__file__).parent / "rows.jsonl"
METHODS = {
    "evolution": ("regularized_evolution", False),
    "evolution, inherited": ("regularized_evolution", True),
    "random": ("random", False),
}
AIM, CONTROL = "evolution, inherited", "evolution"


class Length(NamedTuple):
    """How long a search is.

    Attributes:
        scratch:
            Epochs of a trial from scratch.
        heirs:
            Epochs of a trial that inherits.
        budget:
            Epochs of the search.
        first_seed:
            Seeds 0 and 1000 of digits were looked at while this was made.
    """

    scratch: int
    heirs: int
    budget: int
    first_seed: int


LENGTHS = {
    "brief": Length(4, 1, 120, 30),
    "short": Length(10, 3, 300, 10),
    "long": Length(20, 5, 1000, 20),
}


class Run(NamedTuple):
    length: str
    data: str
    method: str
    seed: int


class Part(NamedTuple):
    x: Any
    y: Any


def parts(data: str, seed: int, usps: Path) -> Sequence[Part]:
    """400 images to train, 400 to validate and 997 to test on. [rows, 1, 8, 8] in 0..1"""
    if data == "digits":
        x, y = load_digits(return_X_y=True)
        images = x.reshape(-1, 8, 8) / 16
    else:
        with np.load(usps) as file:
            x, y = file["x_train"] / 255, file["y_train"].astype("int64")
        images = x.reshape(-1, 8, 2, 8, 2).mean(axis=(2, 4))  # as small as those of digits
    order = np.random.default_rng(seed).permutation(len(y))
    images = images[:, None].astype("float32")
    return [Part(images[rows], y[rows]) for rows in np.split(order[:1797], [400, 800])]


def measured(run: Run, usps: Path) -> dict[str, Any]:
    torch.set_num_threads(1)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    started = thread_time()
    length = LENGTHS[run.length]
    train, valid, test = parts(run.data, run.seed, usps)
    network = spaces.CNN(input_shape=(1, 8, 8), num_classes=10, widths=(8, 12, 16))
    sampler, inherits = METHODS[run.method]
    study = create_study(sampler=sampler, pruner=None, direction="maximize", seed=run.seed)
    with TemporaryDirectory() as folder:
        inherit = Inherit(folder, "200 MB", epochs=length.heirs) if inherits else None
        trained = Train(
            train, valid, epochs=length.scratch, inherit=inherit, device="cpu", seed=run.seed
        )
        objective = Objective(network, Tested(trained, test))
        while _epochs(study) + length.scratch <= length.budget:
            study.optimize(objective, n_trials=1)
    torch.manual_seed(run.seed)
    winner = build(network, study.best_trial)
    fit(winner, train, epochs=2 * length.scratch, seed=run.seed, device="cpu")
    told = [
        [
            trial.user_attrs.get("epochs", 0),
            trial.value,
            trial.user_attrs.get("test"),
            (trial.user_attrs.get("inherited") or {}).get("from") is not None,
        ]
        for trial in study.trials
    ]
    return {
        "run": run,
        "trials": told,
        "retrained": score(winner, test),
        "seconds": thread_time() - started,
    }


def _epochs(study: optuna.Study) -> int:
    return sum(trial.user_attrs.get("epochs", 0) for trial in study.trials)


class Tested:
    """Trains; what the best so far scores on rows that no search sees is noted."""

    direction = "maximize"

    def __init__(self, train: Train, test: Part) -> None:
        self.train, self.test, self.example = train, test, train.example
        self.best = -1.0

    def __call__(self, module: nn.Module, trial: Any) -> float:
        value = self.train(module, trial)
        if value > self.best:
            self.best = value
            trial.set_user_attr("test", score(module, self.test))
        return value


def done() -> dict[Run, dict[str, Any]]:
    lines = ROWS.read_text().splitlines() if ROWS.exists() else []
    return {Run(*row["run"]): row for row in map(json.loads, lines)}


def measure(runs: Sequence[Run], usps: Path, jobs: int) -> Mapping[Run, dict[str, Any]]:
    missing = [run for run in runs if run not in done()]
    with ProcessPoolExecutor(jobs, get_context("spawn")) as pool, ROWS.open("a") as rows:
        for future in as_completed([pool.submit(measured, run, usps) for run in missing]):
            print(json.dumps(future.result()), file=rows, flush=True)
    return done()


def best_at(row: Mapping[str, Any], epochs: float) -> tuple[float, float]:
    """Validation accuracy of the best trial after so many epochs, and its test accuracy, in %."""
    spent, best = 0, (0.0, 0.0)
    for cost, valid, test, _ in row["trials"]:
        spent += cost
        if spent <= epochs and test is not None:
            best = 100 * valid, 100 * test
    return best


def epochs_to(row: Mapping[str, Any], valid: float) -> float:
    """Epochs until a trial is as good in validation; infinite if none is."""
    spent = 0
    for cost, value, *_ in row["trials"]:
        spent += cost
        if value is not None and 100 * value >= valid:
            return spent
    return float("inf")


def told(values: Sequence[float], sign: str = "") -> str:
    return f"{np.mean(values):{sign}.2f} +- {np.std(values, ddof=min(1, len(values) - 1)):.2f}"


def report(
    rows: Mapping[Run, dict[str, Any]], length: str, data: str, seeds: Sequence[int]
) -> None:
    of = {m: [rows[Run(length, data, m, seed)] for seed in seeds] for m in METHODS}
    shares, budget = (1 / 4, 1 / 2, 1), LENGTHS[length].budget
    heads = [f"{share * budget:.0f} epochs" for share in shares]
    print(f"\n{length}, {data}, {len(seeds)} seeds: accuracy of the best by validation, %:")
    print("validation / test\n")
    print(f"| | {' | '.join(heads)} | retrained, test | trials | inherit | core-seconds |")
    print("|---|---|---|---|---|---|---|---|")
    for method, runs in of.items():
        cells = []
        for share in shares:
            pairs = [best_at(row, share * budget) for row in runs]
            cells.append(" / ".join(told(side) for side in zip(*pairs, strict=True)))
        trials = [row["trials"] for row in runs]
        heirs = [sum(trial[3] for trial in all_) / len(all_) for all_ in trials]
        cells += [
            told([100 * row["retrained"] for row in runs]),
            f"{np.mean([len(all_) for all_ in trials]):.0f}",
            f"{np.mean(heirs):.0%}",
            f"{np.mean([row['seconds'] for row in runs]):.0f}",
        ]
        print(f"| {method} | {' | '.join(cells)} |")
    aim(of[AIM], of[CONTROL], budget)


def aim(
    inherited: Sequence[Mapping[str, Any]], scratch: Sequence[Mapping[str, Any]], budget: int
) -> None:
    """Half the epochs with inherited weights, against all of them from scratch."""
    pairs = list(zip(inherited, scratch, strict=True))
    halves = [
        np.subtract(best_at(heir, budget / 2), best_at(other, budget)) for heir, other in pairs
    ]
    print(
        f"\nInherited at {budget / 2:.0f} minus from scratch at {budget} epochs, paired, points:\n"
    )
    met = []
    for name, values in zip(("validation", "test"), zip(*halves, strict=True), strict=True):
        met.append(np.mean(values) >= 0)
        print(f"- {name}: {told(values, '+')}; {'met' if met[-1] else '**missed**'}")
    shares = [
        epochs_to(heir, best_at(other, budget)[0]) / epochs_to(other, best_at(other, budget)[0])
        for heir, other in pairs
    ]
    print(
        "- epochs to the validation accuracy that scratch has in the end, as a share of what "
        f"scratch took: {', '.join(f'{share:.2f}' for share in shares)}; at most half in "
        f"{sum(share <= 0.5 for share in shares)} of {len(shares)}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("usps", type=Path, help="usps.npz: x_train, y_train, x_test, y_test")
    parser.add_argument(
        "--data", nargs="+", choices=("digits", "usps"), default=["digits", "usps"]
    )
    parser.add_argument("--lengths", nargs="+", choices=LENGTHS, default=list(LENGTHS))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=1)
    chosen = parser.parse_args()
    seeds = {
        name: range(LENGTHS[name].first_seed, LENGTHS[name].first_seed + chosen.seeds)
        for name in chosen.lengths
    }
    cases = [(length, data) for length in chosen.lengths for data in chosen.data]
    runs = [Run(*case, m, s) for case in cases for s in seeds[case[0]] for m in METHODS]
    rows = measure(runs, chosen.usps, chosen.jobs)
    for length, data in cases:
        report(rows, length, data, seeds[length])


if __name__ == "__main__":
    main()
