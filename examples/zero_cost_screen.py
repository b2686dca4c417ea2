"""Candidates that promise little are not trained, as long as promises turn out to be true."""

from __future__ import annotations

import numpy as np
import optuna
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
import torch

from optuna_nas import create_study
from optuna_nas import Objective
from optuna_nas import proxies
from optuna_nas import spaces
from optuna_nas import Train
from optuna_nas import warm_start
from optuna_nas.study import Screen
from optuna_nas.study import screen
from optuna_nas.study import truth


TRIALS = 25


def main() -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    torch.set_num_threads(1)  # small networks are quickest on one
    x, y = load_digits(return_X_y=True)
    x = x.astype(np.float32) / 16
    x_train, x_valid, y_train, y_valid = train_test_split(x, y, random_state=0, stratify=y)
    network = spaces.MLP(in_features=64, out_features=10)
    naswot = proxies.Proxy(proxies.naswot, (x_train[:32], None))

    promising = screen(network, naswot, n=50, keep=3, seed=0)
    objective = Objective(
        network,
        Train((x_train, y_train), (x_valid, y_valid), epochs=3),
        screen=Screen(naswot, quantile=0.5, first=10),
    )
    study = create_study(sampler="random", direction="maximize", pruner=None, seed=0)
    warm_start(study, promising, user_attrs={"origin": "screen"})
    study.optimize(objective, n_trials=TRIALS)

    screened = sum("screened" in t.user_attrs.get("rejected", "") for t in study.trials)
    print(f"{TRIALS} trials, {screened} of them not trained; the best is {study.best_value:.3f}")
    print(f"What naswot was worth: {truth(study, 'naswot')[-1]}")
    print(study.user_attrs["optuna_nas:screen"]["off"] or "The screen is on.")


if __name__ == "__main__":
    main()
