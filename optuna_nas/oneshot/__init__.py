"""One-shot search: every candidate in one network that shares weights, and gates to choose."""

from optuna_nas.oneshot._collapse import dominant_eigenvalue
from optuna_nas.oneshot._collapse import gate_entropy
from optuna_nas.oneshot._collapse import parameter_free_share
from optuna_nas.oneshot._collapse import Watch
from optuna_nas.oneshot._darts import darts
from optuna_nas.oneshot._few_shot import FewShot
from optuna_nas.oneshot._gate import Gate
from optuna_nas.oneshot._gate import Relaxation
from optuna_nas.oneshot._gate import softmax
from optuna_nas.oneshot._mixed_network import NothingToMixError
from optuna_nas.oneshot._once_for_all import OnceForAll
from optuna_nas.oneshot._one_shot import OneShot
from optuna_nas.oneshot._progressive import progressive
from optuna_nas.oneshot._progressive import Stage
from optuna_nas.oneshot._rank_correlation import Correlation
from optuna_nas.oneshot._rank_correlation import rank_correlation
from optuna_nas.oneshot._rank_correlation import RankCorrelation
from optuna_nas.oneshot._relaxations import gumbel
from optuna_nas.oneshot._relaxations import sigmoid
from optuna_nas.oneshot._relaxations import zero_one
from optuna_nas.oneshot._schedules import decay
from optuna_nas.oneshot._schedules import linear
from optuna_nas.oneshot._search_epoch import SearchEpoch
from optuna_nas.oneshot._supernet import Supernet
from optuna_nas.oneshot._supernet_trial import SupernetTrial
from optuna_nas.oneshot._train_once_for_all import train_once_for_all
from optuna_nas.oneshot._train_supernet import SupernetEpoch
from optuna_nas.oneshot._train_supernet import train_supernet
from optuna_nas.ops import PartialChannels


__all__ = [
    "Correlation",
    "darts",
    "decay",
    "dominant_eigenvalue",
    "FewShot",
    "Gate",
    "gate_entropy",
    "gumbel",
    "linear",
    "NothingToMixError",
    "OnceForAll",
    "OnceForAllEpoch",
    "OneShot",
    "parameter_free_share",
    "PartialChannels",
    "progressive",
    "rank_correlation",
    "RankCorrelation",
    "Relaxation",
    "SearchEpoch",
    "sigmoid",
    "softmax",
    "Stage",
    "Supernet",
    "SupernetEpoch",
    "SupernetTrial",
    "train_once_for_all",
    "train_supernet",
    "Watch",
    "zero_one",
]
