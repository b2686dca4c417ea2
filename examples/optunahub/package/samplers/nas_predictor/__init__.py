from optuna_nas.samplers import PredictorSampler


__all__ = ["PredictorSampler"]
