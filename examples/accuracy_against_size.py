"""Accuracy against size: a study of two objectives, a constraint, and its Pareto front."""

from __future__ import annotations

import optuna
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from optuna_nas import create_study
from optuna_nas import metrics
from optuna_nas import Objective
from optuna_nas import spaces
from optuna_nas import survey
from optuna_nas import Train


def main() -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    x, y = load_digits(return_X_y=True)
    x_train, x_valid, y_train, y_valid = train_test_split(x / 16, y, random_state=0, stratify=y)

    network = spaces.MLP(in_features=64, out_features=10)
    print(survey(network), end="\n\n")

    objective = Objective(
        network,
        Train((x_train, y_train), (x_valid, y_valid), epochs=5),
        metrics.Parameters(),
        constraints=[metrics.Parameters() <= 50_000],
    )
    study = create_study(sampler="nsga2", directions=["maximize", "minimize"], seed=0)
    study.optimize(objective, n_trials=25)

    rejected = sum("rejected" in trial.user_attrs for trial in study.trials)
    print(f"{len(study.trials)} trials, {rejected} rejected for their size; the Pareto front:")
    for trial in sorted(study.best_trials, key=lambda trial: trial.values[1]):
        print(f"  accuracy {trial.values[0]:.3f} with {trial.values[1]:6,.0f} parameters")


if __name__ == "__main__":
    main()
