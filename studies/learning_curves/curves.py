"""Whole learning curves of candidates: trained on digits, or drawn."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
import optuna
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
import torch

from optuna_nas import create_study
from optuna_nas import Objective
from optuna_nas import spaces
from optuna_nas import Train
from optuna_nas.training import tuned_recipe


CANDIDATES = 60
EPOCHS = 20


def digits(seed: int) -> NDArray[np.float64]:
    """Validation accuracy, shape [60, 20]: 30 random CNNs and 30 random MLPs, random recipes.

    A set takes two minutes of one core, and is kept beside this script.
    """
    kept = Path(__file__).parent / f"curves_{seed}.json"
    if not kept.exists():
        torch.set_num_threads(1)
        kept.write_text(json.dumps(_train(seed)))
    return np.array(json.loads(kept.read_text()))


def _train(seed: int) -> list[list[float]]:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    X, y = load_digits(return_X_y=True)
    images = (X / 16).astype("float32").reshape(-1, 1, 8, 8)
    parts = train_test_split(images, y, test_size=450, random_state=seed, stratify=y)
    train = Train(
        (parts[0], parts[2]), (parts[1], parts[3]), epochs=EPOCHS, recipe=tuned_recipe, seed=seed
    )
    networks = [
        spaces.CNN((1, 8, 8), 10, widths=(4, 8), max_stages=2, max_blocks=1),
        spaces.MLP(64, 10),
    ]
    curves: list[list[float]] = []
    for network in networks:
        study = create_study(sampler="random", pruner=None, direction="maximize", seed=seed)
        while len(study.trials) < 3 * CANDIDATES and len(_whole(study)) < CANDIDATES // 2:
            study.optimize(Objective(network, train), n_trials=1)
        curves += _whole(study)
    return curves


def _whole(study: optuna.Study) -> list[list[float]]:
    """The curves of those that were not rejected."""
    found = [trial.user_attrs.get("curve", []) for trial in study.trials]
    return [curve for curve in found if len(curve) == EPOCHS]


def drawn(seed: int) -> NDArray[np.float64]:
    """Curves of known ends, shape [60, 20]; the noise of each differs, from 0.001 to 0.01.

    A third each: powers of x; sums of two exponentials, and exponentials of which the distance to
    the end halves in the last quarter, as under a falling learning rate. The last two are in no
    family that is fitted.
    """
    rng = np.random.default_rng(seed)
    x = np.arange(1, EPOCHS + 1)[None]
    end, begin = rng.uniform(0.85, 0.98, (CANDIDATES, 1)), rng.uniform(0.1, 0.5, (CANDIDATES, 1))
    slow, fast = rng.uniform(5, 40, (CANDIDATES, 1)), rng.uniform(0.5, 4, (CANDIDATES, 1))
    share = rng.uniform(0.1, 0.9, (CANDIDATES, 1))
    powers = x ** -rng.uniform(0.3, 2, (CANDIDATES, 1))
    sums = share * np.exp(-x / slow) + (1 - share) * np.exp(-x / fast)
    falling = np.exp(-x / slow) * np.clip((EPOCHS - x) / EPOCHS * 4, 0.5, 1)
    third = np.arange(CANDIDATES)[:, None] % 3
    left = np.choose(third, [powers, sums, falling])
    noise = np.exp(rng.uniform(np.log(0.001), np.log(0.01), (CANDIDATES, 1)))
    return np.asarray(end - (end - begin) * left + noise * rng.normal(size=left.shape))
