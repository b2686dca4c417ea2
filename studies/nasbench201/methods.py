"""Who searches: Optuna's samplers and ours, each by the name it has in the tables."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from optuna.samplers import BaseSampler
from optuna.samplers import GPSampler
from optuna.samplers import NSGAIISampler
from optuna.samplers import TPESampler

from optuna_nas.samplers import LocalSearchSampler
from optuna_nas.samplers import PredictorSampler
from optuna_nas.samplers import RandomSampler
from optuna_nas.samplers import RegularizedEvolutionSampler
from optuna_nas.samplers import ReinforceSampler


@dataclass(frozen=True)
class Method:
    """A sampler to be made with a seed; a slow one has fewer seeds and evaluations."""

    make: Callable[..., BaseSampler]
    seeds: int | None = None
    evaluations: int | None = None


def evolution(population: int, tournament: int, *, repeats: bool = False) -> Method:
    return Method(
        partial(
            RegularizedEvolutionSampler,
            population_size=population,
            tournament_size=tournament,
            avoid_repeats=not repeats,
        )
    )


# The first four of ours are with their defaults; of evolution's variants, the two numbers are the
# sizes of population and tournament, and "repeats" is as it was published.
METHODS: Mapping[str, Method] = {
    "random": Method(RandomSampler),
    "TPE": Method(TPESampler),
    "GP": Method(GPSampler, seeds=20, evaluations=100),
    "NSGA-II (20)": Method(partial(NSGAIISampler, population_size=20)),
    "NSGA-II (50)": Method(NSGAIISampler),
    "evolution": Method(RegularizedEvolutionSampler),
    "controller": Method(ReinforceSampler),
    "local search": Method(LocalSearchSampler),
    "predictor": Method(PredictorSampler),
    "evolution (10, 3)": evolution(10, 3),
    "evolution (10, 3), repeats": evolution(10, 3, repeats=True),
    "evolution (10, 5)": evolution(10, 5),
    "evolution (10, 5), repeats": evolution(10, 5, repeats=True),
    "evolution (20, 5)": evolution(20, 5),
    "evolution (20, 5), repeats": evolution(20, 5, repeats=True),
}
OURS = ("evolution", "controller", "local search", "predictor")
