from optuna_nas.samplers import LocalSearchSampler


__all__ = ["LocalSearchSampler"]
