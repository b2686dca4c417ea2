"""Nothing but what the study holds decides: a new sampler proposes what one in use proposes."""

from __future__ import annotations

from collections.abc import Callable
import copy
import math
import random
from typing import Any

import optuna
from optuna.samplers import BaseSampler
from optuna.trial import TrialState
import pytest

from optuna_nas.samplers import LocalSearchSampler
from optuna_nas.samplers import PredictorSampler
from optuna_nas.samplers import RandomSampler
from optuna_nas.samplers import RegularizedEvolutionSampler
from optuna_nas.samplers import ReinforceSampler
from optuna_nas.samplers._planning import PLAN


pytestmark = pytest.mark.filterwarnings("ignore:Fixed parameter .* is out of range")


def flat(trial: optuna.Trial) -> float:
    """Few values, so that many are the best at once."""
    return float(max(trial.suggest_int(f"x{i}", 0, 2) for i in range(3)))


def conditional(trial: optuna.Trial) -> float:
    total = trial.suggest_float("lr", 1e-3, 1, log=True)
    for i in range(trial.suggest_int("depth", 1, 3)):
        op = trial.suggest_categorical(f"op{i}", ["conv", None, "pool"])
        if op == "conv":
            total += trial.suggest_int(f"width{i}", 1, 4)
        elif op == "pool":
            total += trial.suggest_categorical(f"kind{i}", [0.5, 1.5])
    return total


def widening(trial: optuna.Trial) -> float:
    """Optuna lets the ranges of numbers change."""
    return float(trial.suggest_int("x", 0, 5 + trial.number % 7) + trial.suggest_int("y", 0, 3))


def proposal(study: optuna.Study, objective: Any) -> tuple[dict[str, Any], Any]:
    trial = study.ask()
    objective(trial)
    return trial.params, study.trials[trial.number].system_attrs.get(PLAN)


def finish(study: optuna.Study, trial: optuna.Trial, rng: random.Random) -> None:
    objectives, value = len(study.directions), float(len(trial.params) + rng.randrange(3))
    if rng.random() < 0.2:
        trial.set_constraint("c", value - 4)
    way = rng.choice(
        ["complete", "complete", "complete", "infinite", "pruned", "rejected", "fail"]
    )
    if way == "complete":
        study.tell(trial, [value, float(rng.randrange(5))][:objectives])
    elif way == "infinite":
        study.tell(trial, [math.inf, 1.0][:objectives])
    elif way == "pruned" and objectives == 1:
        trial.report(value, rng.randint(1, 3))
        study.tell(trial, state=TrialState.PRUNED)
    else:
        trial.set_user_attr("reports", {"1": [value, None]} if way == "pruned" else {})
        state = TrialState.FAIL if way == "fail" else TrialState.PRUNED
        study.tell(trial, state=state)


def agreements(
    make: Callable[[], BaseSampler],
    objective: Any,
    *,
    objectives: int,
    seed: int,
    n_trials: int,
    every: int,
) -> int:
    """How often a new sampler agreed, in a study of several workers and enqueued trials."""
    rng, agreed = random.Random(seed), 0
    directions = ["maximize", "minimize"][:objectives]
    study = optuna.create_study(sampler=make(), directions=directions)
    running: list[optuna.Trial] = []
    for i in range(n_trials):
        if study.trials and rng.random() < 0.3:
            params = rng.choice(study.trials).params
            kept = {n: v for n, v in params.items() if rng.random() < 0.8}
            study.enqueue_trial(kept)
        if i % every == 0:
            other = optuna.load_study(
                study_name=study.study_name, storage=copy.deepcopy(study._storage), sampler=make()
            )
            expected = proposal(other, objective)
        trial = study.ask()
        objective(trial)
        if i % every == 0:
            assert (trial.params, study.trials[trial.number].system_attrs.get(PLAN)) == expected
            agreed += 1
        running.append(trial)
        while len(running) > rng.randint(0, 4):
            finish(study, running.pop(rng.randrange(len(running))), rng)
    return agreed


@pytest.mark.parametrize("objective", [flat, conditional, widening])
@pytest.mark.parametrize("objectives", [1, 2])
@pytest.mark.parametrize(
    "make",
    [
        lambda: LocalSearchSampler(n_initial=2, seed=0),
        lambda: RegularizedEvolutionSampler(
            population_size=4, tournament_size=2, crossover_probability=0.3, seed=0
        ),
        lambda: RandomSampler(seed=0),
    ],
)
def test_a_new_sampler_proposes_at_any_time_what_one_in_use_proposes(
    make: Any, objective: Any, objectives: int
) -> None:
    for seed in range(2):
        assert (
            agreements(make, objective, objectives=objectives, seed=seed, n_trials=25, every=1)
            == 25
        )


@pytest.mark.parametrize("objective", [flat, conditional, widening])
@pytest.mark.parametrize("objectives", [1, 2])
@pytest.mark.parametrize(
    "make",
    [
        lambda: ReinforceSampler(hidden_size=4, seed=0),
        lambda: PredictorSampler(n_initial=3, seed=0),
    ],
)
def test_a_new_one_that_learns_proposes_now_and_then_what_one_in_use_proposes(
    make: Any, objective: Any, objectives: int
) -> None:
    assert agreements(make, objective, objectives=objectives, seed=0, n_trials=21, every=5) == 5
