"""Who stops a trial early. Each is a pruner of Optuna's that knows several objectives too."""

from optuna_nas.pruners._learning_curve import LearningCurvePruner
from optuna_nas.pruners._pareto_successive_halving import ParetoSuccessiveHalvingPruner
from optuna_nas.pruners._reports import reports


__all__ = ["LearningCurvePruner", "ParetoSuccessiveHalvingPruner", "reports"]
