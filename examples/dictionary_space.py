"""A search space that is a dictionary, architecture and hyperparameters together."""

from __future__ import annotations

from typing import Any

import optuna
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import scale
import torch
from torch import nn

from optuna_nas import create_study
from optuna_nas import Objective
from optuna_nas import spaces
from optuna_nas import survey
from optuna_nas import Train
from optuna_nas.training import Recipe


SPACE = {
    "num_hidden_layers": [1, 2, 3, 4, 5],
    "hidden_layer_size": [32, 64, 128, 256, 512],
    "activation_function": ["ReLU", "LeakyReLU", "Tanh"],
    "learning_rate": [0.1, 0.01, 0.001, 0.0001],
    "optimizer": ["Adam", "SGD", "RMSprop"],
    "dropout_rate": [0, 0.2, 0.4, 0.6],
}


def build(chosen: dict[str, Any]) -> nn.Module:
    layers: list[nn.Module] = []
    width = 30
    for _ in range(chosen["num_hidden_layers"]):
        layers += [
            nn.Linear(width, chosen["hidden_layer_size"]),
            getattr(nn, chosen["activation_function"])(),
            nn.Dropout(chosen["dropout_rate"]),
        ]
        width = chosen["hidden_layer_size"]
    return nn.Sequential(*layers, nn.Linear(width, 2))


def recipe(trial: Any, module: nn.Module) -> Recipe:
    """Takes the optimizer and its learning rate from the same trial."""
    optimizer = getattr(torch.optim, trial.params["optimizer"])
    return Recipe(optimizer(module.parameters(), lr=trial.params["learning_rate"]))


def main() -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    x, y = load_breast_cancer(return_X_y=True)
    x_train, x_valid, y_train, y_valid = train_test_split(scale(x), y, random_state=0, stratify=y)

    network = spaces.from_dict(SPACE, build)
    print(f"{survey(network).size:,} combinations")

    train = Train((x_train, y_train), (x_valid, y_valid), epochs=9, recipe=recipe)
    study = create_study(sampler="tpe", direction="maximize", seed=0)
    study.optimize(Objective(network, train), n_trials=25)
    print(f"best validation accuracy {study.best_value:.3f} with {study.best_params}")


if __name__ == "__main__":
    main()
