"""A conditional space with a known optimum, on which Optuna's evolution draws most at random."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import optuna
from optuna.samplers import BaseSampler
from optuna.samplers import NSGAIISampler
import pytest

from optuna_nas.samplers import LocalSearchSampler
from optuna_nas.samplers import PredictorSampler
from optuna_nas.samplers import RegularizedEvolutionSampler


OPTIMUM = 4 * 2.0


def stages(trial: optuna.Trial) -> float:
    """Four stages, each a convolution with the kernel and the width that fit the stage."""
    total = 0.0
    for stage in range(4):
        op = trial.suggest_categorical(f"{stage}/op", ["conv", "pool", "none"])
        if op == "conv":
            kernel = trial.suggest_int(f"{stage}/conv/kernel", 1, 7, step=2)
            width = trial.suggest_int(f"{stage}/conv/width", 1, 8)
            total += 2 - abs(kernel - 3) / 4 - abs(width - 2 - stage) / 8
        elif op == "pool":
            total += 0.5 + trial.suggest_categorical(f"{stage}/pool/kind", ["max", "avg"]).count(
                "m"
            )
    return total


def best_values(
    make: Callable[[int], BaseSampler], n_trials: int = 120, seeds: int = 10
) -> list[float]:
    found = []
    for seed in range(seeds):
        study = optuna.create_study(sampler=make(seed), direction="maximize")
        study.optimize(stages, n_trials=n_trials)
        found.append(study.best_value)
    return found


@pytest.fixture(scope="module")
def nsga2() -> list[float]:
    return best_values(lambda seed: NSGAIISampler(population_size=20, seed=seed))


def test_evolution_beats_nsga2(nsga2: list[float]) -> None:
    ours = best_values(lambda seed: RegularizedEvolutionSampler(seed=seed))
    assert np.mean(ours) > np.mean(nsga2) + 0.3
    assert np.mean(ours) > OPTIMUM - 0.6


def test_local_search_beats_nsga2(nsga2: list[float]) -> None:
    ours = best_values(lambda seed: LocalSearchSampler(seed=seed))
    assert np.mean(ours) > np.mean(nsga2) + 0.3


def test_the_predictor_beats_nsga2(nsga2: list[float]) -> None:
    ours = best_values(lambda seed: PredictorSampler(seed=seed), seeds=3)
    assert np.mean(ours) > np.mean(nsga2) + 0.3
