"""Where space, samplers, metrics and training meet: the study and its objective."""

from optuna_nas.study._best_under import best_under
from optuna_nas.study._create_study import create_study
from optuna_nas.study._front import knee_point
from optuna_nas.study._hypervolume import hypervolume
from optuna_nas.study._names import metric_names
from optuna_nas.study._objective import Objective
from optuna_nas.study._pareto_table import pareto_table
from optuna_nas.study._pareto_table import ParetoTable
from optuna_nas.study._profile import Profile
from optuna_nas.study._profile import profile
from optuna_nas.study._retrain import retrain
from optuna_nas.study._scalarized import Scalarized
from optuna_nas.study._scalarized import weighted_sum
from optuna_nas.study._storage import open_storage
from optuna_nas.study._warm_start import warm_start
from optuna_nas.training._seeds import seeded


__all__ = [
    "best_under",
    "create_study",
    "hypervolume",
    "knee_point",
    "metric_names",
    "Objective",
    "open_storage",
    "pareto_table",
    "ParetoTable",
    "Profile",
    "profile",
    "retrain",
    "Scalarized",
    "seeded",
    "warm_start",
    "weighted_sum",
]
