"""Who proposes the next architecture. Each is an ordinary Optuna sampler."""

from optuna_nas._ranking import best_first
from optuna_nas._ranking import last_value
from optuna_nas.samplers._local_search import LocalSearchSampler
from optuna_nas.samplers._predictor import PredictorSampler
from optuna_nas.samplers._progressive import ProgressiveSampler
from optuna_nas.samplers._proposal import ProposalSampler
from optuna_nas.samplers._random import RandomSampler
from optuna_nas.samplers._regularized_evolution import RegularizedEvolutionSampler
from optuna_nas.samplers._reinforce import ReinforceSampler
from optuna_nas.samplers._reward import mnasnet_reward


__all__ = [
    "best_first",
    "last_value",
    "LocalSearchSampler",
    "mnasnet_reward",
    "PredictorSampler",
    "ProgressiveSampler",
    "ProposalSampler",
    "RandomSampler",
    "RegularizedEvolutionSampler",
    "ReinforceSampler",
]
