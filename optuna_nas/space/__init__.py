"""The language: a search space is a function of a trial; who answers decides what comes out."""

from optuna_nas.space._answered import AnsweredTrial
from optuna_nas.space._asked import ask
from optuna_nas.space._asked import ASKED
from optuna_nas.space._asked import asked_in
from optuna_nas.space._asked import to_json
from optuna_nas.space._build import ARCHITECTURE
from optuna_nas.space._build import build
from optuna_nas.space._build import construct
from optuna_nas.space._build import sketch
from optuna_nas.space._decisions import categorical_distribution
from optuna_nas.space._decisions import describe
from optuna_nas.space._decisions import int_distribution
from optuna_nas.space._decisions import SearchSpaceError
from optuna_nas.space._explore import CANNOT_BE_BUILT
from optuna_nas.space._fingerprint import fingerprint
from optuna_nas.space._node import Node
from optuna_nas.space._protocol import Network
from optuna_nas.space._protocol import Trial
from optuna_nas.space._sampled import SampledTrial
from optuna_nas.space._scope import Scope
from optuna_nas.space._smaller import smaller
from optuna_nas.space._survey import decisions
from optuna_nas.space._survey import Survey
from optuna_nas.space._survey import survey
from optuna_nas.space._walk import SurveyTrial


__all__ = [
    "AnsweredTrial",
    "ARCHITECTURE",
    "ask",
    "ASKED",
    "asked_in",
    "build",
    "CANNOT_BE_BUILT",
    "categorical_distribution",
    "construct",
    "decisions",
    "describe",
    "fingerprint",
    "int_distribution",
    "Network",
    "Node",
    "SampledTrial",
    "Scope",
    "SearchSpaceError",
    "sketch",
    "smaller",
    "Survey",
    "survey",
    "SurveyTrial",
    "to_json",
    "Trial",
]
