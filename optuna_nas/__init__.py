"""Neural architecture search for PyTorch that is an Optuna study.

Names are loaded when first used (PEP 562): importing this package imports neither torch nor
Optuna.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any
from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from optuna_nas import metrics
    from optuna_nas import oneshot
    from optuna_nas import ops
    from optuna_nas import proxies
    from optuna_nas import pruners
    from optuna_nas import samplers
    from optuna_nas import space
    from optuna_nas import spaces
    from optuna_nas import study
    from optuna_nas import training
    from optuna_nas import visualization
    from optuna_nas._estimator import NASClassifier
    from optuna_nas._estimator import NASRegressor
    from optuna_nas._export import export
    from optuna_nas._export import load
    from optuna_nas.oneshot import Supernet
    from optuna_nas.oneshot import SupernetTrial
    from optuna_nas.space import build
    from optuna_nas.space import fingerprint
    from optuna_nas.space import SampledTrial
    from optuna_nas.space import survey
    from optuna_nas.space import SurveyTrial
    from optuna_nas.study import create_study
    from optuna_nas.study import Objective
    from optuna_nas.study import warm_start
    from optuna_nas.training import Rejected
    from optuna_nas.training import Train
    from optuna_nas.visualization import report


__version__ = "0.1.0"

_PACKAGES = (
    "metrics",
    "oneshot",
    "ops",
    "proxies",
    "pruners",
    "samplers",
    "space",
    "spaces",
    "study",
    "training",
    "visualization",
)
_HOME = {
    "build": "space",
    "create_study": "study",
    "export": "_export",
    "fingerprint": "space",
    "load": "_export",
    "NASClassifier": "_estimator",
    "NASRegressor": "_estimator",
    "Objective": "study",
    "Rejected": "training",
    "report": "visualization",
    "SampledTrial": "space",
    "Supernet": "oneshot",
    "SupernetTrial": "oneshot",
    "survey": "space",
    "SurveyTrial": "space",
    "Train": "training",
    "warm_start": "study",
}

__all__ = [
    "build",
    "create_study",
    "export",
    "fingerprint",
    "load",
    "metrics",
    "NASClassifier",
    "NASRegressor",
    "Objective",
    "oneshot",
    "ops",
    "proxies",
    "pruners",
    "Rejected",
    "report",
    "SampledTrial",
    "samplers",
    "space",
    "spaces",
    "study",
    "Supernet",
    "SupernetTrial",
    "survey",
    "SurveyTrial",
    "Train",
    "training",
    "visualization",
    "warm_start",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"optuna_nas.{_HOME[name]}"), name)
    if name in _PACKAGES:
        return import_module(f"optuna_nas.{name}")
    raise AttributeError(f"module 'optuna_nas' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
