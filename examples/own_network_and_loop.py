"""Your own network and your own training loop, searched with ten changed lines.

The network takes a trial and asks it; the loop is any function ``(module, trial) -> float``.
What differs from plain PyTorch is marked with ``# <-``.
"""

from __future__ import annotations

import optuna
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
import torch
from torch import nn
from torch.nn.functional import cross_entropy

import optuna_nas


class Net(nn.Module):
    def __init__(self, trial: optuna_nas.space.Trial) -> None:  # <-
        super().__init__()
        width = trial.suggest_int("width", 16, 64, step=16)  # <-

        def block(i: int) -> nn.Module:
            options = {"relu": nn.ReLU, "gelu": nn.GELU, "none": nn.Identity}
            act = trial.suggest_module(f"act{i}", options)  # <-
            return nn.Sequential(nn.Linear(width, width), act)

        self.stem = nn.Linear(64, width)
        self.body = trial.suggest_repeat("depth", 1, 3, block)  # <-
        self.head = nn.Linear(width, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.body(self.stem(x)))


X, Y = (torch.tensor(array) for array in load_digits(return_X_y=True))
X, X_VALID, Y, Y_VALID = train_test_split(X.float() / 16, Y, random_state=0, stratify=Y)


def train_and_score(module: nn.Module, trial: optuna_nas.space.Trial) -> float:  # <-
    lr = trial.suggest_float("lr", 1e-3, 1e-1, log=True)  # <- searched in the same trial
    optimizer = torch.optim.Adam(module.parameters(), lr=lr)
    accuracy = 0.0
    for epoch in range(1, 9):
        for rows in torch.randperm(len(X)).split(64):
            optimizer.zero_grad()
            cross_entropy(module(X[rows]), Y[rows]).backward()
            optimizer.step()
        with torch.no_grad():
            accuracy = (module(X_VALID).argmax(1) == Y_VALID).float().mean().item()
        trial.report(accuracy, epoch)  # <-
        if trial.should_prune():  # <- successive halving stops what does not keep up
            raise optuna.TrialPruned
    return accuracy


if __name__ == "__main__":
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna_nas.create_study(direction="maximize", seed=0)  # <-
    objective = optuna_nas.Objective(Net, train_and_score, example=X[:2])  # <-
    study.optimize(objective, n_trials=20)  # <-

    pruned = sum(trial.state == optuna.trial.TrialState.PRUNED for trial in study.trials)
    print(f"best of {len(study.trials)} trials, {pruned} of them stopped early:")
    print(f"validation accuracy {study.best_value:.3f} with {study.best_params}")
    print(optuna_nas.build(Net, study.best_trial))
