"""The augmentation in the same trial as the architecture, on 100 digits.

Each image gets one operation at random, as in TrivialAugment (Mueller & Hutter 2021), but which
ones take part, and how strong each may be, is asked of the trial. The search begins with a policy
made by hand. The controls search the architecture alone, with as many trials: under that policy,
and without any. Each winner is trained again, and judged by rows that no search saw.
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
from optuna_nas import warm_start
from optuna_nas.space import Trial
from optuna_nas.training import cosine
from optuna_nas.training import fit
from optuna_nas.training import Recipe
from optuna_nas.training import score


SEEDS, TRIALS, EPOCHS = 4, 12, 25
NETWORK = spaces.MLP(in_features=64, out_features=10, max_depth=2)

Operation: TypeAlias = Callable[[Tensor, Tensor], Tensor]
"""Of images ``[n, 1, 8, 8]`` and how strong, ``[n]`` in [-1, 1]."""
Augment: TypeAlias = Callable[[Tensor, torch.Generator], Tensor]


def warped(images: Tensor, maps: Tensor) -> Tensor:
    grid = F.affine_grid(maps, list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, align_corners=False)


def maps(strength: Tensor, rows: list[list[Tensor | float]]) -> Tensor:
    """Affine maps ``[n, 2, 3]``."""
    one = torch.ones_like(strength)
    return torch.stack([torch.stack([one * entry for entry in row], 1) for row in rows], 1)


def rotate(images: Tensor, strength: Tensor) -> Tensor:
    """By up to 45 degrees."""
    sine, cosine = torch.sin(strength * np.pi / 4), torch.cos(strength * np.pi / 4)
    return warped(images, maps(strength, [[cosine, -sine, 0.0], [sine, cosine, 0.0]]))


def zoom(images: Tensor, strength: Tensor) -> Tensor:
    """By up to a third."""
    scale = 1 + strength / 3
    return warped(images, maps(strength, [[scale, 0.0, 0.0], [0.0, scale, 0.0]]))


def shift(images: Tensor, strength: Tensor) -> Tensor:
    """Sideways, by up to two pixels."""
    return warped(images, maps(strength, [[1.0, 0.0, strength / 2], [0.0, 1.0, 0.0]]))


def contrast(images: Tensor, strength: Tensor) -> Tensor:
    """By up to three quarters."""
    return images * (1 + 0.75 * strength[:, None, None, None])


def flip(images: Tensor, strength: Tensor) -> Tensor:
    """Half of them upside down, whatever the strength: what nobody would do to digits."""
    return torch.where(strength[:, None, None, None] > 0, images.flip(2), images)


OPERATIONS: dict[str, Operation] = {
    operation.__name__: operation for operation in (rotate, zoom, shift, contrast, flip)
}
BY_HAND = {"rotate": 0.5, "zoom": 0.5, "shift": 0.5, "contrast": 0.5}


def augmented(images: Tensor, generator: torch.Generator, most: dict[str, float]) -> Tensor:
    """Each image after one of the operations, between none of it and the most."""
    n = len(images)
    strength = 2 * torch.rand(n, generator=generator) - 1
    chosen = torch.randint(len(most), (n,), generator=generator)
    options = [OPERATIONS[name](images, limit * strength) for name, limit in most.items()]
    return torch.stack(options)[chosen, torch.arange(n)]


def ask_augment(trial: Trial) -> Augment | None:
    """Which operations, and how strong those are that take part; with none, images stay."""
    at = trial.scope("augment")
    most = {}
    for name in OPERATIONS:
        if at.suggest_categorical(name, [True, False]):
            most[name] = at.suggest_float(f"{name}/most", 0.1, 1.0)
    return partial(augmented, most=most) if most else None


def nothing(trial: Trial) -> None:
    return None


def by_hand(trial: Trial) -> Augment:
    return partial(augmented, most=BY_HAND)


def params_by_hand() -> dict[str, bool | float]:
    """The policy by hand as answers, for a search to begin with; the network's are not given."""
    use = {f"augment/{name}": name in BY_HAND for name in OPERATIONS}
    return use | {f"augment/{name}/most": most for name, most in BY_HAND.items()}


def recipe(trial: Trial, module: nn.Module, augment: Callable[[Trial], Augment | None]) -> Recipe:
    optimizer = torch.optim.AdamW(module.parameters(), lr=1e-2, fused=True)
    return Recipe(optimizer, augment=augment(trial), batch_size=50, schedule=cosine(warmup=0.1))


def data(seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Rows to train on, to choose by, and to judge by."""
    x, y = load_digits(return_X_y=True)
    x = (x / 16).reshape(-1, 1, 8, 8).astype(np.float32)
    x, x_rest, y, y_rest = train_test_split(x, y, train_size=100, random_state=seed, stratify=y)
    x_valid, x_test, y_valid, y_test = train_test_split(
        x_rest, y_rest, train_size=400, random_state=seed, stratify=y_rest
    )
    return [(x, y), (x_valid, y_valid), (x_test, y_test)]


def search(
    augment: Callable[[Trial], Augment | None], seed: int
) -> tuple[optuna.trial.FrozenTrial, float]:
    """The winner of a search, and what it scores on unseen rows."""
    train, valid, test = data(seed)
    evaluator = Train(train, valid, epochs=EPOCHS, recipe=partial(recipe, augment=augment))
    study = create_study(direction="maximize", pruner=None, seed=seed)
    if augment is ask_augment:
        warm_start(study, [params_by_hand()])
    study.optimize(Objective(NETWORK, evaluator), n_trials=TRIALS)

    best = study.best_trial
    torch.manual_seed(seed)
    winner = build(NETWORK, best)
    answers = SampledTrial(optuna.trial.FixedTrial(best.params))
    fit(winner, train, epochs=EPOCHS, recipe=evaluator.recipe, trial=answers, seed=seed)
    return best, score(winner, test)


def told(ours: list[float], theirs: list[float]) -> str:
    low, high = ttest_rel(ours, theirs).confidence_interval()
    verdict = "within noise" if low <= 0 <= high else "more than noise"
    gain = np.mean(ours) - np.mean(theirs)
    return f"{gain:+.3f}, 95 % interval {low:+.3f} to {high:+.3f}: {verdict}"


def main() -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    torch.set_num_threads(1)  # small networks are quickest on one
    print(f"Accuracy on unseen rows, after {TRIALS} trials each:")
    joint, none, hand = [], [], []
    for seed in range(SEEDS):
        best, found = search(ask_augment, seed)
        joint.append(found)
        none.append(search(nothing, seed)[1])
        hand.append(search(by_hand, seed)[1])
        asked = {name: best.params.get(f"augment/{name}/most") for name in OPERATIONS}
        policy = ", ".join(f"{name} {most:.1f}" for name, most in asked.items() if most)
        print(f"  searched {found:.3f}, none {none[-1]:.3f}, by hand {hand[-1]:.3f}; {policy}")
    print(f"searched against none:    {told(joint, none)}")
    print(f"searched against by hand: {told(joint, hand)}")


if __name__ == "__main__":
    main()
