from optuna_nas.samplers import ReinforceSampler


__all__ = ["ReinforceSampler"]
