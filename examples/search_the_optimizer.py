"""Optimizer and schedule in the same trial as the architecture, where epochs are scarce.

Each optimizer and each schedule is asked for numbers of its own. The controls search the
architecture alone, with as many trials: under Adam as torch has it, and under the default recipe
of this library. Each winner is trained again, and judged by rows that no search saw.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeAlias

import numpy as np
import optuna
from scipy.stats import ttest_rel
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
import torch
from torch import nn

from optuna_nas import build
from optuna_nas import create_study
from optuna_nas import Objective
from optuna_nas import SampledTrial
from optuna_nas import spaces
from optuna_nas import Train
from optuna_nas.space import Trial
from optuna_nas.training import constant
from optuna_nas.training import cosine
from optuna_nas.training import default_recipe
from optuna_nas.training import fit
from optuna_nas.training import Recipe
from optuna_nas.training import score


SEEDS, TRIALS, EPOCHS = 4, 15, 4
NETWORK = spaces.MLP(in_features=64, out_features=10)

MakeRecipe: TypeAlias = Callable[[Trial, nn.Module], Recipe]
Schedule: TypeAlias = Callable[[float], float]
"""Of progress in [0, 1], a factor on the learning rate."""


def ask_optimizer(trial: Trial, module: nn.Module) -> torch.optim.Optimizer:
    """A good learning rate of SGD is none of Adam's: one name for both would mix them up."""
    kind = trial.suggest_categorical("optimizer", ["sgd", "adam", "adamw"])
    at = trial.scope(kind)
    weights = module.parameters()
    if kind == "sgd":
        lr = at.suggest_float("lr", 1e-2, 1.0, log=True)
        momentum = at.suggest_float("momentum", 0.0, 0.95)
        return torch.optim.SGD(weights, lr=lr, momentum=momentum, nesterov=momentum > 0)
    lr = at.suggest_float("lr", 1e-3, 1e-1, log=True)
    if kind == "adam":
        beta2 = at.suggest_categorical("beta2", [0.9, 0.99, 0.999])
        return torch.optim.Adam(weights, lr=lr, betas=(0.9, beta2), fused=True)
    decay = at.suggest_float("weight_decay", 1e-3, 1.0, log=True)
    return torch.optim.AdamW(weights, lr=lr, weight_decay=decay, fused=True)


def steps(progress: float, count: int, factor: float) -> float:
    """Drops by the factor after equal parts of the training."""
    return factor ** int(progress * (count + 1))


def ask_schedule(trial: Trial) -> Schedule:
    kind = trial.suggest_categorical("schedule", ["constant", "cosine", "steps"])
    at = trial.scope(kind)
    if kind == "cosine":
        return cosine(warmup=at.suggest_float("warmup", 0.0, 0.5))
    if kind == "steps":
        count = at.suggest_int("count", 1, 3)
        return partial(steps, count=count, factor=at.suggest_float("factor", 0.1, 0.7))
    return constant


def searched(trial: Trial, module: nn.Module) -> Recipe:
    return Recipe(ask_optimizer(trial, module), schedule=ask_schedule(trial))


def plain_adam(trial: Trial, module: nn.Module) -> Recipe:
    return Recipe(torch.optim.Adam(module.parameters(), fused=True))


def data(seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Rows to train on, to choose by, and to judge by."""
    x, y = load_digits(return_X_y=True)
    x = (x / 16).astype(np.float32)
    x, x_rest, y, y_rest = train_test_split(x, y, train_size=500, random_state=seed, stratify=y)
    x_valid, x_test, y_valid, y_test = train_test_split(
        x_rest, y_rest, train_size=400, random_state=seed, stratify=y_rest
    )
    return [(x, y), (x_valid, y_valid), (x_test, y_test)]


def search(recipe: MakeRecipe, seed: int) -> tuple[optuna.trial.FrozenTrial, float]:
    """The winner of a search, and what it scores on unseen rows."""
    train, valid, test = data(seed)
    study = create_study(direction="maximize", pruner=None, seed=seed)
    evaluator = Train(train, valid, epochs=EPOCHS, recipe=recipe)
    study.optimize(Objective(NETWORK, evaluator), n_trials=TRIALS)

    best = study.best_trial
    torch.manual_seed(seed)
    winner = build(NETWORK, best)
    answers = SampledTrial(optuna.trial.FixedTrial(best.params))
    fit(winner, train, epochs=EPOCHS, recipe=recipe, trial=answers, seed=seed)
    return best, score(winner, test)


def told(ours: list[float], theirs: list[float]) -> str:
    low, high = ttest_rel(ours, theirs).confidence_interval()
    verdict = "within noise" if low <= 0 <= high else "more than noise"
    gain = np.mean(ours) - np.mean(theirs)
    return f"{gain:+.3f}, 95 % interval {low:+.3f} to {high:+.3f}: {verdict}"


def main() -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    torch.set_num_threads(1)  # small networks are quickest on one
    print(f"Accuracy on unseen rows after {EPOCHS} epochs, {TRIALS} trials each:")
    joint, adam, default = [], [], []
    for seed in range(SEEDS):
        best, found = search(searched, seed)
        joint.append(found)
        adam.append(search(plain_adam, seed)[1])
        default.append(search(default_recipe, seed)[1])
        chosen = (best.params["optimizer"], best.params["schedule"])
        numbers = [f"{n} {v:.3g}" for n, v in best.params.items() if n.startswith(chosen)]
        print(
            f"  searched {found:.3f}, Adam {adam[-1]:.3f}, default recipe {default[-1]:.3f}; "
            f"{', '.join(numbers)}"
        )
    print(f"searched against Adam:           {told(joint, adam)}")
    print(f"searched against default recipe: {told(joint, default)}")


if __name__ == "__main__":
    main()
