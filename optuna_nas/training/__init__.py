"""Training: an evaluator for the multi-trial search, and the loop and recipes it is made of."""

from optuna_nas.training._augment import random_shift
from optuna_nas.training._data import Data
from optuna_nas.training._device import resolve_device
from optuna_nas.training._epochs import Epoch
from optuna_nas.training._epochs import train_epochs
from optuna_nas.training._fidelity import Fidelity
from optuna_nas.training._fit import fit
from optuna_nas.training._inherit import Inherit
from optuna_nas.training._recipe import default_recipe
from optuna_nas.training._recipe import Recipe
from optuna_nas.training._recipe import tuned_recipe
from optuna_nas.training._rejected import is_out_of_memory
from optuna_nas.training._rejected import Rejected
from optuna_nas.training._schedules import constant
from optuna_nas.training._schedules import cosine
from optuna_nas.training._scores import score
from optuna_nas.training._seeds import generator_for
from optuna_nas.training._train import Train


__all__ = [
    "constant",
    "cosine",
    "Data",
    "default_recipe",
    "Epoch",
    "Fidelity",
    "fit",
    "generator_for",
    "Inherit",
    "is_out_of_memory",
    "random_shift",
    "Recipe",
    "Rejected",
    "resolve_device",
    "score",
    "Train",
    "train_epochs",
    "tuned_recipe",
]
