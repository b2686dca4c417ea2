"""What a network costs: evaluators to minimise, and constraints where a limit is compared."""

from optuna_nas.metrics._constraint import Constraint
from optuna_nas.metrics._energy import Energy
from optuna_nas.metrics._flops import Flops
from optuna_nas.metrics._latency import Latency
from optuna_nas.metrics._latency import Measured
from optuna_nas.metrics._latency_table import LatencyTable
from optuna_nas.metrics._metric import Metric
from optuna_nas.metrics._parameters import Parameters
from optuna_nas.metrics._peak_memory import PeakMemory


__all__ = [
    "Constraint",
    "Energy",
    "Flops",
    "Latency",
    "LatencyTable",
    "Measured",
    "Metric",
    "Parameters",
    "PeakMemory",
]
