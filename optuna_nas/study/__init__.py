"""Where space, samplers, metrics and training meet: the study and its objective."""

from optuna_nas.study._create_study import create_study
from optuna_nas.study._objective import Objective


__all__ = ["create_study", "Objective"]
