"""Who proposes the next architecture. Each is an ordinary Optuna sampler."""

from optuna_nas.samplers._random import RandomSampler


__all__ = ["RandomSampler"]
