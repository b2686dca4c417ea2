"""Who proposes the next architecture. Each is an ordinary Optuna sampler."""

from optuna_nas.samplers._random import RandomSampler
from optuna_nas.samplers._regularized_evolution import RegularizedEvolutionSampler


__all__ = ["RandomSampler", "RegularizedEvolutionSampler"]
