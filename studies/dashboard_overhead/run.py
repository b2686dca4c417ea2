"""What do drawings and cards for optuna-dashboard cost a search?

    python studies/dashboard_overhead/run.py [--repetitions 5] [--trials 100]

The same search of digits, in a process of its own each time: without a dashboard, with
``Dashboard`` as a callback, and with ``optuna-nas dashboard`` in a process beside it. They take
turns. Counted are the processor seconds of the searching process, which other programs on the
machine hardly change, and those of the clock. Rows are kept in rows.jsonl; running again adds what
is missing.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
import json
from pathlib import Path
from statistics import mean
from statistics import stdev
import subprocess
import sys
from tempfile import TemporaryDirectory
from time import perf_counter
from time import process_time
from typing import Any

import optuna
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
import torch

from optuna_nas import create_study
from optuna_nas import metrics
from optuna_nas import Objective
from optuna_nas import spaces
from optuna_nas import Train
from optuna_nas.visualization import Dashboard


ARMS = ("without", "callback", "beside")
ROWS = Path(__file__).parent / "rows.jsonl"
EPOCHS = 8


def objective() -> Objective:
    X, y = load_digits(return_X_y=True)
    parts = train_test_split(X / 16, y, train_size=0.75, stratify=y, random_state=0)
    x_train, x_valid = (torch.tensor(part, dtype=torch.float32) for part in parts[:2])
    y_train, y_valid = (torch.tensor(part) for part in parts[2:])
    train = Train((x_train, y_train), (x_valid, y_valid), epochs=EPOCHS, device="cpu")
    return Objective(spaces.MLP(in_features=64, out_features=10), train, metrics.Parameters())


class Timed:
    """A callback that counts its processor seconds."""

    def __init__(self, callback: Any) -> None:
        self.callback = callback
        self.seconds = 0.0

    def __call__(self, study: optuna.Study, trial: optuna.trial.FrozenTrial) -> None:
        began = process_time()
        self.callback(study, trial)
        self.seconds += process_time() - began


@contextmanager
def beside(journal: Path) -> Iterator[None]:
    code = "from optuna_nas._cli import main; main()"
    command = [sys.executable, "-c", code, "dashboard", str(journal), "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.readline()  # it is there
    try:
        yield
    finally:
        process.terminate()
        process.communicate()


def search(arm: str, seed: int, trials: int, folder: Path) -> dict[str, Any]:
    """One search, and what is left to do after it."""
    torch.set_num_threads(1)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    journal, evaluate = folder / "study.journal", objective()
    study = create_study(
        directions=["maximize", "minimize"], storage=journal, seed=seed, pruner=None
    )
    evaluate.check(study)
    row: dict[str, Any] = {"arm": arm, "seed": seed, "trials": trials}
    dashboards = [Dashboard(folder / "artifacts")] if arm == "callback" else []
    timed = [Timed(dashboard) for dashboard in dashboards]
    cpu, clock = process_time(), perf_counter()
    if arm == "beside":
        with beside(journal):
            cpu, clock = process_time(), perf_counter()
            study.optimize(evaluate, n_trials=trials)
            row |= {"cpu": process_time() - cpu, "clock": perf_counter() - clock}
    else:
        study.optimize(evaluate, n_trials=trials, callbacks=timed)
        row |= {"cpu": process_time() - cpu, "clock": perf_counter() - clock}
    row["inside"] = sum(one.seconds for one in timed)
    row["values"] = [trial.values for trial in study.trials]
    row["drawn"] = len(list((folder / "artifacts").glob("*")))
    cpu = process_time()
    for dashboard in dashboards:
        dashboard.update(study)
    row["after"] = process_time() - cpu
    return row


def measured() -> list[dict[str, Any]]:
    return [json.loads(line) for line in ROWS.read_text().splitlines()] if ROWS.exists() else []


def run(arm: str, seed: int, trials: int) -> None:
    with TemporaryDirectory() as folder:
        command = [sys.executable, __file__, "--one", arm, str(seed), folder]
        told = subprocess.run(
            [*command, "--trials", str(trials)], check=True, stdout=subprocess.PIPE, text=True
        )
    with ROWS.open("a") as rows:
        rows.write(told.stdout.splitlines()[-1] + "\n")


def told(numbers: list[float]) -> str:
    return f"{mean(numbers):.2f} ± {stdev(numbers) if len(numbers) > 1 else 0.0:.2f}"


def report(trials: int) -> None:
    rows = {(row["arm"], row["seed"]): row for row in measured() if row["trials"] == trials}
    seeds = sorted(seed for arm, seed in rows if arm == "without")
    seeds = [seed for seed in seeds if all((arm, seed) in rows for arm in ARMS)]
    same = all(
        rows[arm, seed]["values"] == rows["without", seed]["values"]
        for arm in ARMS
        for seed in seeds
    )
    print(f"{len(seeds)} repetitions of {trials} trials; the same values in all arms: {same}\n")
    print(
        "| | processor, s | more, % | in the callback, % | clock, s | drawn at the end | rest, s |"
    )
    print("|---|---|---|---|---|---|---|")
    for arm in ARMS:
        of = [rows[arm, seed] for seed in seeds]
        more = [
            100 * (rows[arm, seed]["cpu"] / rows["without", seed]["cpu"] - 1) for seed in seeds
        ]
        inside = [100 * row["inside"] / (row["cpu"] - row["inside"]) for row in of]
        columns = [[row["cpu"] for row in of], more, inside, [row["clock"] for row in of]]
        cells = [told(column) for column in columns]
        drawn = f"{mean(row['drawn'] for row in of):.0f}"
        print(f"| {arm} | {' | '.join(cells)} | {drawn} | {mean(r['after'] for r in of):.1f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--one", nargs=3, metavar=("ARM", "SEED", "FOLDER"))
    options = parser.parse_args()
    if options.one:
        arm, seed, folder = options.one
        print(json.dumps(search(arm, int(seed), options.trials, Path(folder))))
        return
    there = {(row["arm"], row["seed"]) for row in measured() if row["trials"] == options.trials}
    for seed in range(options.repetitions):
        for arm in ARMS[seed % 3 :] + ARMS[: seed % 3]:
            if (arm, seed) not in there:
                run(arm, seed, options.trials)
    report(options.trials)


if __name__ == "__main__":
    main()
