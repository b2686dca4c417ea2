"""Low-rank adapters on a frozen network: which layers, of which rank (Hu et al. 2022).

A network that knows upright digits is adapted to 200 that are tilted by 45 degrees. Each layer may
get an adapter of its own rank, or none; objectives are accuracy and trainable parameters. The
control has one rank for all layers, in as many trials; both begin with one of 1, 2 and 4 for all.
The best of each within a budget is trained again, and judged by rows that no search saw.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
from copy import deepcopy
from functools import partial
from typing import TypeAlias

import numpy as np
import optuna
from scipy.ndimage import rotate
from scipy.stats import ttest_rel
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
import torch
from torch import nn
from torch import Tensor

from optuna_nas import build
from optuna_nas import create_study
from optuna_nas import metrics
from optuna_nas import Objective
from optuna_nas import Train
from optuna_nas import warm_start
from optuna_nas.space import Network
from optuna_nas.space import Trial
from optuna_nas.study import best_under
from optuna_nas.training import cosine
from optuna_nas.training import fit
from optuna_nas.training import Recipe
from optuna_nas.training import score


SEEDS, TRIALS, EPOCHS = 4, 10, 15
PLACES = (0, 2, 4)
"""Where the network is linear."""
BUDGETS = (350, 700, 1400)
"""Trainable parameters: room for a rank of 1, 2 and 4 at all places."""

Ranks: TypeAlias = Callable[[Trial], Sequence[int]]
Rows: TypeAlias = tuple[np.ndarray, np.ndarray]


class LowRank(nn.Module):
    """A frozen linear layer, and beside it a product of two thin ones that begins as zero."""

    def __init__(self, frozen: nn.Linear, rank: int, alpha: float) -> None:
        super().__init__()
        self.frozen = frozen
        self.down = nn.Linear(frozen.in_features, rank, bias=False)
        self.up = nn.Linear(rank, frozen.out_features, bias=False)
        self.scale = alpha / rank
        nn.init.zeros_(self.up.weight)

    def forward(self, x: Tensor) -> Tensor:
        return self.frozen(x) + self.scale * self.up(self.down(x))


def adapted(trial: Trial, pretrained: nn.Sequential, ranks: Ranks) -> nn.Sequential:
    """A copy of the pretrained network, frozen, with adapters where their rank is not 0."""
    network = deepcopy(pretrained).requires_grad_(False)
    alpha = trial.suggest_categorical("alpha", [2, 4, 8, 16])
    for place, rank in zip(PLACES, ranks(trial), strict=True):
        if rank:
            network[place] = LowRank(network[place], rank, alpha)
    return network


def each_its_own(trial: Trial) -> list[int]:
    return [trial.suggest_categorical(f"layer{i}/rank", [0, 1, 2, 4, 8]) for i in PLACES]


def one_for_all(trial: Trial) -> list[int]:
    return [trial.suggest_categorical("rank", [1, 2, 4, 8])] * len(PLACES)


class Trainable(metrics.Metric):
    """Parameters that are not frozen."""

    name = "trainable"
    unit = "parameters"

    def measure(self, module: nn.Module) -> float:
        return float(sum(p.numel() for p in module.parameters() if p.requires_grad))


def recipe(trial: Trial, module: nn.Module) -> Recipe:
    trained = [p for p in module.parameters() if p.requires_grad]
    lr = trial.suggest_float("lr", 5e-3, 5e-2, log=True)
    optimizer = torch.optim.AdamW(trained, lr=lr, fused=True)
    return Recipe(optimizer, batch_size=32, schedule=cosine(warmup=0.1), clip_norm=1.0)


def data(seed: int) -> tuple[Rows, list[Rows]]:
    """Upright digits; and tilted ones, to train on, to choose by and to judge by."""
    x, y = load_digits(return_X_y=True)
    x = (x / 16).astype(np.float32)
    x, x_tilted, y, y_tilted = train_test_split(
        x, y, train_size=800, random_state=seed, stratify=y
    )
    x_tilted = rotate(x_tilted.reshape(-1, 8, 8), 45, axes=(1, 2), reshape=False).reshape(-1, 64)
    parts = []
    for size in (200, 300):
        taken, x_tilted, y_taken, y_tilted = train_test_split(
            x_tilted, y_tilted, train_size=size, random_state=seed, stratify=y_tilted
        )
        parts.append((taken, y_taken))
    return (x, y), [*parts, (x_tilted, y_tilted)]


def pretrain(upright: Rows, seed: int) -> nn.Sequential:
    torch.manual_seed(seed)
    network = nn.Sequential(
        nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10)
    )
    fit(network, upright, epochs=15, seed=seed)
    return network


def search(ranks: Ranks, pretrained: nn.Sequential, parts: list[Rows], seed: int) -> list[float]:
    """What the best within each budget scores on unseen rows."""
    train, valid, test = parts
    network = partial(adapted, pretrained=pretrained, ranks=ranks)
    study = create_study(directions=["maximize", "minimize"], pruner=None, seed=seed)
    places = ["rank"] if ranks is one_for_all else [f"layer{i}/rank" for i in PLACES]
    warm_start(study, [dict.fromkeys(places, rank) for rank in (1, 2, 4)])
    evaluator = Train(train, valid, epochs=EPOCHS, recipe=recipe)
    study.optimize(Objective(network, evaluator, Trainable()), n_trials=TRIALS)
    return [
        trained(network, best_under(study, trainable=budget), train, test, seed)
        for budget in BUDGETS
    ]


def trained(
    network: Network, trial: optuna.trial.FrozenTrial, train: Rows, test: Rows, seed: int
) -> float:
    torch.manual_seed(seed)
    module = build(network, trial)
    answers = optuna.trial.FixedTrial(trial.params)
    fit(module, train, epochs=EPOCHS, recipe=recipe, trial=answers, seed=seed)
    return score(module, test)


def main() -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    torch.set_num_threads(1)  # small networks are quickest on one
    own, same, frozen, full = [], [], [], []
    for seed in range(SEEDS):
        upright, parts = data(seed)
        pretrained = pretrain(upright, seed)
        frozen.append(score(pretrained, parts[2]))
        own.append(search(each_its_own, pretrained, parts, seed))
        same.append(search(one_for_all, pretrained, parts, seed))
        answers = optuna.trial.FixedTrial({"lr": 1e-2})
        fit(pretrained, parts[0], epochs=EPOCHS, recipe=recipe, trial=answers, seed=seed)
        full.append(score(pretrained, parts[2]))

    print(f"Accuracy on unseen tilted digits, mean of {SEEDS} seeds, {TRIALS} trials each:")
    print(f"  nothing trained {np.mean(frozen):.3f}, all 8,970 parameters {np.mean(full):.3f}")
    for i, budget in enumerate(BUDGETS):
        ours, theirs = np.array(own)[:, i], np.array(same)[:, i]
        low, high = ttest_rel(ours, theirs).confidence_interval()
        told = "within noise" if low <= 0 <= high else "more than noise"
        print(
            f"  up to {budget:4}: own ranks {ours.mean():.3f}, one rank {theirs.mean():.3f}; "
            f"95 % interval {low:+.3f} to {high:+.3f}, {told}"
        )


if __name__ == "__main__":
    main()
