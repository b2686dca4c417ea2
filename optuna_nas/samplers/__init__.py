"""Who proposes the next architecture. Each is an ordinary Optuna sampler."""

from optuna_nas.samplers._random import RandomSampler
from optuna_nas.samplers._ranking import best_first
from optuna_nas.samplers._ranking import last_value
from optuna_nas.samplers._regularized_evolution import RegularizedEvolutionSampler


__all__ = ["best_first", "last_value", "RandomSampler", "RegularizedEvolutionSampler"]
