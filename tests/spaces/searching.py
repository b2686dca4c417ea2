"""A short random search: what every shipped space has to go through on data of its kind."""

from __future__ import annotations

import numpy as np
import optuna
from sklearn.datasets import load_digits

import optuna_nas
from optuna_nas import Objective
from optuna_nas import Train


def digits() -> tuple[np.ndarray, np.ndarray]:
    """96 images, ``[96, 1, 8, 8]`` of 0..1, and their classes."""
    X, y = load_digits(return_X_y=True)
    return (X[:96] / 16).astype("float32").reshape(-1, 1, 8, 8), y[:96]


def random_search(network, X, y) -> optuna.Study:
    """Three trials of one epoch each, on two thirds of the rows; all must run to the end."""
    split = 2 * len(X) // 3
    train = Train((X[:split], y[:split]), (X[split:], y[split:]), epochs=1, device="cpu", seed=0)
    study = optuna_nas.create_study(direction="maximize", sampler="random", pruner=None, seed=0)
    study.optimize(Objective(network, train), n_trials=3)
    reasons = [trial.user_attrs.get("rejected") for trial in study.trials]
    assert all(trial.state.name == "COMPLETE" for trial in study.trials), reasons
    assert len({str(trial.params) for trial in study.trials}) == 3
    return study
