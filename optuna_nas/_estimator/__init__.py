"""scikit-learn estimators: from a table, images or sequences to a network that predicts."""

from optuna_nas._estimator._classifier import NASClassifier
from optuna_nas._estimator._regressor import NASRegressor


__all__ = ["NASClassifier", "NASRegressor"]
