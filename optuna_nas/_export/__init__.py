"""A trained network that runs without this library, checked in a process that does not have it."""

from optuna_nas._export._export import export
from optuna_nas._export._export import export_fitted
from optuna_nas._export._export import Exported
from optuna_nas._export._export import ExportError
from optuna_nas._export._fitted import Fitted
from optuna_nas._export._load import load
from optuna_nas._export._load import load_program
from optuna_nas._export._load import Loaded
from optuna_nas._export._predict import Program


__all__ = [
    "export",
    "export_fitted",
    "Exported",
    "ExportError",
    "Fitted",
    "load",
    "load_program",
    "Loaded",
    "Program",
]
