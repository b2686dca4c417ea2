"""What a network costs: evaluators to minimise, and constraints where a limit is compared."""

from optuna_nas.metrics._constraint import Constraint
from optuna_nas.metrics._flops import Flops
from optuna_nas.metrics._metric import Metric
from optuna_nas.metrics._parameters import Parameters


__all__ = ["Constraint", "Flops", "Metric", "Parameters"]
