"""What the objectives of a study are called, in tables, plots and the dashboard."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
import warnings

from optuna.exceptions import ExperimentalWarning
from optuna.study import Study


def evaluator_name(evaluate: Any) -> str:
    """Returns its ``name``, else that of the function or class.

    Args:
        evaluate:
            An evaluator.
    """
    name = getattr(evaluate, "name", None)
    return str(name or getattr(evaluate, "__name__", None) or type(evaluate).__name__)


def metric_names(study: Study) -> list[str]:
    """Returns a name for each objective; ``value 0`` and so on, if nobody gave any.

    Args:
        study:
            Any study.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        names = study.metric_names
    return names or [f"value {i}" for i in range(len(study.directions))]


def name_objectives(study: Study, evaluators: Sequence[Any]) -> None:
    """Names the objectives of a study after its evaluators, if they have no names yet.

    Args:
        study:
            A new or a loaded study.
        evaluators:
            One for each direction.
    """
    names: list[str] = []
    for evaluate in evaluators:
        name = evaluator_name(evaluate)
        names.append(name if name not in names else f"{name} {len(names) + 1}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        if study.metric_names is None:
            study.set_metric_names(names)
