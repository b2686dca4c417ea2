"""Ready-made networks: frozen dataclasses that are called with a trial, and so can be pickled."""

from optuna_nas.spaces._cnn import CNN
from optuna_nas.spaces._from_dict import from_dict
from optuna_nas.spaces._mlp import MLP
from optuna_nas.spaces._nasbench201 import NASBench201


__all__ = ["CNN", "from_dict", "MLP", "NASBench201"]
