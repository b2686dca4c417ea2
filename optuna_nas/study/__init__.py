"""Where space, samplers, metrics and training meet: the study and its objective."""

from optuna_nas.study._best_under import best_under
from optuna_nas.study._compare import compare
from optuna_nas.study._compare import Comparison
from optuna_nas.study._create_study import create_study
from optuna_nas.study._front import knee_point
from optuna_nas.study._heartbeat import Heartbeat
from optuna_nas.study._hypervolume import hypervolume
from optuna_nas.study._meta_features import describe_data
from optuna_nas.study._meta_features import meta_features
from optuna_nas.study._names import metric_names
from optuna_nas.study._objective import Objective
from optuna_nas.study._optimize import optimize
from optuna_nas.study._optimize_batched import Batched
from optuna_nas.study._optimize_batched import optimize_batched
from optuna_nas.study._pareto_table import pareto_table
from optuna_nas.study._pareto_table import ParetoTable
from optuna_nas.study._profile import Profile
from optuna_nas.study._profile import profile
from optuna_nas.study._rank_correlation import rank_correlation
from optuna_nas.study._retrain import retrain
from optuna_nas.study._scalarized import Scalarized
from optuna_nas.study._scalarized import weighted_sum
from optuna_nas.study._screen import Screen
from optuna_nas.study._screen_random import screen
from optuna_nas.study._screen_surrogate import Surrogate
from optuna_nas.study._storage import open_storage
from optuna_nas.study._truth_meter import Truth
from optuna_nas.study._truth_meter import truth
from optuna_nas.study._warm_start import warm_start
from optuna_nas.training._seeds import seeded


__all__ = [
    "Batched",
    "best_under",
    "compare",
    "Comparison",
    "create_study",
    "describe_data",
    "Heartbeat",
    "hypervolume",
    "knee_point",
    "meta_features",
    "metric_names",
    "Objective",
    "optimize",
    "optimize_batched",
    "open_storage",
    "pareto_table",
    "ParetoTable",
    "Profile",
    "profile",
    "rank_correlation",
    "retrain",
    "Scalarized",
    "Screen",
    "screen",
    "seeded",
    "Surrogate",
    "Truth",
    "truth",
    "warm_start",
    "weighted_sum",
]
