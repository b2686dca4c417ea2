"""The language: a search space is a function of a trial; who answers decides what comes out."""

from optuna_nas.space._answered import AnsweredTrial
from optuna_nas.space._build import build
from optuna_nas.space._build import construct
from optuna_nas.space._decisions import SearchSpaceError
from optuna_nas.space._protocol import Network
from optuna_nas.space._protocol import Trial
from optuna_nas.space._sampled import Node
from optuna_nas.space._sampled import SampledTrial
from optuna_nas.space._scope import Scope


__all__ = [
    "AnsweredTrial",
    "build",
    "construct",
    "Network",
    "Node",
    "SampledTrial",
    "Scope",
    "SearchSpaceError",
    "Trial",
]
