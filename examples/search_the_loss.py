"""The loss in the same trial as the architecture, on digits of which some are rare.

What is searched must not be the judge: whatever the loss, a trial's score is the balanced
accuracy, the mean of the classes' own. The control searches the architecture alone, with cross
entropy and as many trials. Each winner is trained again, and judged by rows that no search saw.
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
from torch import Tensor
from torch.nn import functional as F

from optuna_nas import build
from optuna_nas import create_study
from optuna_nas import Objective
from optuna_nas import SampledTrial
from optuna_nas import spaces
from optuna_nas import Train
from optuna_nas.space import Trial
from optuna_nas.training import cosine
from optuna_nas.training import fit
from optuna_nas.training import Recipe
from optuna_nas.training import score


SEEDS, TRIALS, EPOCHS = 5, 15, 15
NETWORK = spaces.MLP(in_features=64, out_features=10, max_depth=2)
COUNTS = (60, 42, 29, 20, 14, 10, 7, 5, 3, 2)
"""Training rows of the digits 0 to 9."""
SHARES = torch.tensor(COUNTS) / sum(COUNTS)

Loss: TypeAlias = Callable[[Tensor, Tensor], Tensor]


def focal(outputs: Tensor, targets: Tensor, gamma: float) -> Tensor:
    """What is right already counts less (Lin et al. 2017, eq. 4)."""
    losses = F.cross_entropy(outputs, targets, reduction="none")
    return ((1 - torch.exp(-losses)) ** gamma * losses).mean()


def adjusted(outputs: Tensor, targets: Tensor, tau: float) -> Tensor:
    """Rare classes must win by a margin (Menon et al. 2021)."""
    return F.cross_entropy(outputs + tau * SHARES.log(), targets)


def ask_loss(trial: Trial) -> Loss:
    """One of four; each has a number of its own, which the others are not asked."""
    kind = trial.suggest_categorical("loss", ["smoothed", "weighted", "focal", "adjusted"])
    at = trial.scope(kind)
    if kind == "smoothed":
        return partial(F.cross_entropy, label_smoothing=at.suggest_float("share", 0.0, 0.3))
    if kind == "weighted":
        return partial(F.cross_entropy, weight=SHARES ** -at.suggest_float("power", 0.0, 1.0))
    if kind == "focal":
        return partial(focal, gamma=at.suggest_float("gamma", 0.5, 4.0))
    return partial(adjusted, tau=at.suggest_float("tau", 0.0, 2.0))


def cross_entropy(trial: Trial) -> Loss:
    return F.cross_entropy


def recipe(trial: Trial, module: nn.Module, loss: Callable[[Trial], Loss]) -> Recipe:
    optimizer = torch.optim.AdamW(module.parameters(), lr=1e-2, fused=True)
    return Recipe(optimizer, loss=loss(trial), schedule=cosine(warmup=0.1))


def balanced_accuracy(outputs: Tensor, targets: Tensor) -> float:
    right = (outputs.argmax(1) == targets).float()
    return torch.stack([right[targets == k].mean() for k in targets.unique()]).mean().item()


def data(seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Rows to train on, to choose by, and to judge by; only the first lack the high digits."""
    x, y = load_digits(return_X_y=True)
    x = (x / 16).astype(np.float32)
    rows = np.random.default_rng(seed).permutation(len(y))
    train = np.concatenate([rows[y[rows] == k][:n] for k, n in enumerate(COUNTS)])
    rest = np.setdiff1d(rows, train)
    valid, test = train_test_split(rest, train_size=400, random_state=seed, stratify=y[rest])
    return [(x[part], y[part]) for part in (train, valid, test)]


def search(loss: Callable[[Trial], Loss], seed: int) -> tuple[optuna.trial.FrozenTrial, float]:
    """The winner of a search, and what it scores on unseen rows."""
    train, valid, test = data(seed)
    evaluator = Train(
        train,
        valid,
        epochs=EPOCHS,
        recipe=partial(recipe, loss=loss),
        metric=balanced_accuracy,
        direction="maximize",
    )
    study = create_study(direction="maximize", pruner=None, seed=seed)
    study.optimize(Objective(NETWORK, evaluator), n_trials=TRIALS)

    best = study.best_trial
    torch.manual_seed(seed)
    winner = build(NETWORK, best)  # takes what the network asked, and leaves the loss
    answers = SampledTrial(optuna.trial.FixedTrial(best.params))
    fit(winner, train, epochs=EPOCHS, recipe=evaluator.recipe, trial=answers, seed=seed)
    return best, score(winner, test, balanced_accuracy)


def main() -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    torch.set_num_threads(1)  # small networks are quickest on one
    print(f"Balanced accuracy on unseen rows, after {TRIALS} trials each:")
    joint, alone = [], []
    for seed in range(SEEDS):
        best, found = search(ask_loss, seed)
        joint.append(found)
        alone.append(search(cross_entropy, seed)[1])
        chosen = best.params["loss"]
        [number] = (best.params[name] for name in best.params if name.startswith(f"{chosen}/"))
        print(f"  {found:.3f} with {chosen} {number:.2f}, {alone[-1]:.3f} with cross entropy")
    low, high = ttest_rel(joint, alone).confidence_interval()
    told = "within noise" if low <= 0 <= high else "more than noise"
    gain = np.mean(joint) - np.mean(alone)
    print(f"difference {gain:+.3f}, 95 % interval {low:+.3f} to {high:+.3f}: {told}")


if __name__ == "__main__":
    main()
