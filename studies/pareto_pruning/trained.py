"""What does pruning with two objectives save, and what does it lose? With real trainings.

    python studies/pareto_pruning/trained.py path/to/usps.npz [--seeds 5]

Trains random small CNNs on two sets of digits, 40 a seed, to the end; their curves are kept as
curves_<dataset>_<seed>.json, so that running again trains only what is missing. Then the same
networks come in the same order to each pruner, which stops those that it would have stopped.
Prints the epochs and the hypervolume (accuracy against parameters) of each against those without.
"""

from __future__ import annotations

import argparse
from functools import partial
import json
import os
from pathlib import Path
import warnings

from joblib import delayed
from joblib import Parallel
import numpy as np
import optuna
from optuna.trial import TrialState
from sklearn.datasets import load_digits
import torch

from optuna_nas import create_study
from optuna_nas import metrics
from optuna_nas import Objective
from optuna_nas import SampledTrial
from optuna_nas import spaces
from optuna_nas import Train
from optuna_nas.pruners import ParetoSuccessiveHalvingPruner
from optuna_nas.study import hypervolume


HERE = Path(__file__).parent
DATASETS = ("digits", "USPS")
NETWORKS, EPOCHS, TRAIN_ROWS, VALID_ROWS = 40, 12, 1000, 700
REFERENCE = (0.8, 60_000.0)  # accuracy, parameters
DIRECTIONS = ["maximize", "minimize"]
halving = partial(partial, ParetoSuccessiveHalvingPruner)
PRUNERS = {
    '"successive_halving" (2, 6; 1 of 3)': lambda: "successive_halving",
    "the same as published (keep_front=False)": halving(keep_front=False),
    '"hyperband" (1, 3, 9; 1 of 3)': lambda: "hyperband",
    "rungs at 3, 6; 1 of 2": halving(rungs=[3, 6], reduction_factor=2),
    "rungs at 2, 4, 8; 1 of 2": halving(rungs=[2, 4, 8], reduction_factor=2),
    "rung at 3; 1 of 3": halving(rungs=[3]),
    "rung at 3; 1 of 2": halving(rungs=[3], reduction_factor=2),
    '"learning_curve"': lambda: "learning_curve",
}


def images(dataset: str, usps: Path) -> tuple[np.ndarray, np.ndarray]:
    if dataset == "digits":
        x, y = load_digits(return_X_y=True)
        x = x.reshape(-1, 1, 8, 8) / 16
    else:
        with np.load(usps) as arrays:
            x, y = arrays["x_train"][:, None] / 255, arrays["y_train"]
    rows = np.random.default_rng(0).permutation(len(x))[: TRAIN_ROWS + VALID_ROWS]
    return x[rows].astype(np.float32), y[rows].astype(np.int64)


def path_of(dataset: str, seed: int) -> Path:
    return HERE / f"curves_{dataset}_{seed}.json"


def train(dataset: str, seed: int, usps: Path) -> None:
    """Random networks, each trained to the end: their curves and parameters."""
    torch.set_num_threads(1)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
    x, y = images(dataset, usps)
    network = spaces.CNN(input_shape=x.shape[1:], num_classes=10, max_stages=2, widths=(4, 8, 16))
    parts = (x[:TRAIN_ROWS], y[:TRAIN_ROWS]), (x[TRAIN_ROWS:], y[TRAIN_ROWS:])
    study = create_study(sampler="random", pruner=None, directions=DIRECTIONS, seed=seed)
    study.optimize(
        Objective(network, Train(*parts, epochs=EPOCHS), metrics.Parameters()), n_trials=NETWORKS
    )
    curves = [(trial.user_attrs["curve"], trial.values[1]) for trial in study.trials]
    path_of(dataset, seed).write_text(json.dumps(curves))


def replay(curves: list[tuple[list[float], float]], pruner: object) -> tuple[int, float]:
    """The same networks in the same order: epochs trained, and the hypervolume in the end."""
    name = "the brackets follow from the name"
    study = create_study(
        sampler="random", pruner=pruner, directions=DIRECTIONS, study_name=name, seed=0
    )
    epochs = 0
    for curve, parameters in curves:
        asked = study.ask()
        trial = SampledTrial(asked)
        for epoch, score in enumerate(curve, start=1):
            epochs += 1
            trial.report([score, parameters], epoch)
            if trial.should_prune():
                study.tell(asked, state=TrialState.PRUNED)
                break
        else:
            study.tell(asked, [max(curve), parameters])
    return epochs, hypervolume(study, REFERENCE)


def told(values: list[float], digits: int) -> str:
    return f"{np.mean(values):.{digits}f} +- {np.std(values, ddof=1):.{digits}f}"


def report(seeds: int) -> None:
    print("| data | pruner | epochs saved, % | hypervolume, % |")
    print("|---|---|---|---|")
    for dataset in DATASETS:
        curves = [json.loads(path_of(dataset, seed).read_text()) for seed in range(seeds)]
        full = [replay(one, None) for one in curves]
        for name, make in PRUNERS.items():
            found = [replay(one, make()) for one in curves]
            saved = [100 - 100 * e / f for (e, _), (f, _) in zip(found, full, strict=True)]
            kept = [100 * v / w - 100 for (_, v), (_, w) in zip(found, full, strict=True)]
            print(f"| {dataset} | {name} | {told(saved, 0)} | {told(kept, 1)} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("usps", type=Path, help="usps.npz: x_train, y_train, uint8")
    parser.add_argument("--seeds", type=int, default=5, help="at least 2")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    chosen = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    runs = [(dataset, seed) for seed in range(chosen.seeds) for dataset in DATASETS]
    missing = [run for run in runs if not path_of(*run).exists()]
    Parallel(chosen.jobs)(delayed(train)(*run, chosen.usps) for run in missing)
    report(chosen.seeds)


if __name__ == "__main__":
    main()
