"""Where space, samplers, metrics and training meet: the study and its objective."""

from optuna_nas.study._create_study import create_study
from optuna_nas.study._objective import Objective
from optuna_nas.study._retrain import retrain
from optuna_nas.study._storage import open_storage
from optuna_nas.study._warm_start import warm_start
from optuna_nas.training._seeds import seeded


__all__ = ["create_study", "Objective", "open_storage", "retrain", "seeded", "warm_start"]
