"""Ready-made networks: frozen dataclasses that are called with a trial, and so can be pickled."""

from optuna_nas.spaces._cnn import CNN
from optuna_nas.spaces._darts import DARTS
from optuna_nas.spaces._from_dict import from_dict
from optuna_nas.spaces._hierarchical import Hierarchical
from optuna_nas.spaces._mlp import MLP
from optuna_nas.spaces._mobilenet import MobileNet
from optuna_nas.spaces._nasbench201 import NASBench201
from optuna_nas.spaces._rnn import RNN
from optuna_nas.spaces._tabular import Tabular
from optuna_nas.spaces._transformer import Transformer


__all__ = [
    "CNN",
    "DARTS",
    "from_dict",
    "Hierarchical",
    "MLP",
    "MobileNet",
    "NASBench201",
    "RNN",
    "Tabular",
    "Transformer",
]
