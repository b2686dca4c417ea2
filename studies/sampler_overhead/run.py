"""What does a sampler cost a trial, with 24 decisions and a long history?

    python studies/sampler_overhead/run.py [--objectives 2] [--samplers evolution TPE]

The history is filled with random trials, in memory. Then the sampler makes trials itself: the
first one, in which it catches up on the history (as after a resume), a few to warm up, and those
of which the median is told. Prints a Markdown table; uses one thread.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median
from time import perf_counter
import warnings

import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.distributions import CategoricalDistribution
from optuna.distributions import FloatDistribution
from optuna.distributions import IntDistribution
from optuna.samplers import BaseSampler
from optuna.samplers import GPSampler
from optuna.samplers import NSGAIISampler
from optuna.samplers import TPESampler
from optuna.trial import create_trial
from threadpoolctl import threadpool_limits
import torch

from optuna_nas.samplers import LocalSearchSampler
from optuna_nas.samplers import PredictorSampler
from optuna_nas.samplers import RandomSampler
from optuna_nas.samplers import RegularizedEvolutionSampler
from optuna_nas.samplers import ReinforceSampler


SPACE: Mapping[str, BaseDistribution] = {
    **{f"operation {i}": CategoricalDistribution(tuple("abcde")) for i in range(16)},
    **{f"depth {i}": IntDistribution(1, 8) for i in range(4)},
    **{f"rate {i}": FloatDistribution(0, 1) for i in range(4)},
}
HISTORIES = (100, 200, 1000, 5000)
WARM_UP = 4


@dataclass(frozen=True)
class Method:
    make: Callable[..., BaseSampler]
    longest: int = HISTORIES[-1]


METHODS: Mapping[str, Method] = {
    "random": Method(RandomSampler),
    "evolution": Method(RegularizedEvolutionSampler),
    "local search": Method(LocalSearchSampler),
    "controller": Method(ReinforceSampler),
    "predictor": Method(PredictorSampler),
    "NSGA-II": Method(NSGAIISampler),
    "TPE": Method(TPESampler),
    "GP": Method(GPSampler, longest=200),
}


def filled(sampler: BaseSampler, n: int, objectives: int) -> optuna.Study:
    """A study in memory with n random trials."""
    rng = np.random.default_rng(0)
    study = optuna.create_study(sampler=sampler, directions=["maximize"] * objectives)
    for _ in range(n):
        params = {name: _drawn(distribution, rng) for name, distribution in SPACE.items()}
        values = rng.random(objectives).tolist()
        study.add_trial(create_trial(params=params, distributions=dict(SPACE), values=values))
    return study


def _drawn(distribution: BaseDistribution, rng: np.random.Generator) -> str | int | float:
    if isinstance(distribution, CategoricalDistribution):
        return str(rng.choice(distribution.choices))
    if isinstance(distribution, IntDistribution):
        return int(rng.integers(distribution.low, distribution.high, endpoint=True))
    return float(rng.uniform())


def milliseconds(study: optuna.Study, values: list[float]) -> float:
    """The time of one trial: ask, 24 times suggest, and tell."""
    start = perf_counter()
    trial = study.ask()
    for name, distribution in SPACE.items():
        _suggest(trial, name, distribution)
    study.tell(trial, values)
    return (perf_counter() - start) * 1000


def _suggest(trial: optuna.Trial, name: str, distribution: BaseDistribution) -> None:
    if isinstance(distribution, CategoricalDistribution):
        trial.suggest_categorical(name, distribution.choices)
    elif isinstance(distribution, IntDistribution):
        trial.suggest_int(name, distribution.low, distribution.high)
    else:
        trial.suggest_float(name, 0, 1)


def cell(method: Method, n: int, trials: int, objectives: int) -> str:
    """The median, and in brackets the first trial."""
    if n > method.longest:
        return ""
    study = filled(method.make(seed=0), n, objectives)
    rng = np.random.default_rng(1)
    spent = [
        milliseconds(study, rng.random(objectives).tolist()) for _ in range(1 + WARM_UP + trials)
    ]
    return f"{median(spent[1 + WARM_UP :]):,.1f} ({spent[0]:,.0f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samplers", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--objectives", type=int, default=1)
    parser.add_argument("--trials", type=int, default=20, help="of which the median is told")
    chosen = parser.parse_args()
    if min(chosen.objectives, chosen.trials) < 1:
        parser.error("--objectives and --trials must be at least 1.")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
    torch.set_num_threads(1)
    with threadpool_limits(1):
        print(f"| sampler | {' | '.join(f'{n:,}' for n in HISTORIES)} |")
        print(f"|{'---|' * (len(HISTORIES) + 1)}")
        for name in chosen.samplers:
            cells = [cell(METHODS[name], n, chosen.trials, chosen.objectives) for n in HISTORIES]
            print(f"| {name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
