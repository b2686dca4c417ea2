"""What trials reported, with one objective or several: ``{step: value of each objective}``.

With one objective these are Optuna's intermediate values; with several, what
``SampledTrial.report`` keeps in the user attr ``reports``, None where a value is not known yet.
"""

from __future__ import annotations

from optuna.trial import FrozenTrial

from optuna_nas._reports import report_at
from optuna_nas._reports import reports_in
from optuna_nas._reports import Values


def reports(trial: FrozenTrial, objectives: int) -> dict[int, Values]:
    """Returns all reports of a trial, by step.

    Args:
        trial:
            Of any state.
        objectives:
            How many the study has.
    """
    if objectives == 1:
        return {step: [value] for step, value in sorted(trial.intermediate_values.items())}
    return reports_in(trial.user_attrs)


def last_step(trial: FrozenTrial, objectives: int) -> int | None:
    """Returns the last step that a trial reported, or None.

    Args:
        trial:
            Of any state.
        objectives:
            How many the study has.
    """
    if objectives == 1:
        return trial.last_step
    return max(reports_in(trial.user_attrs), default=None)


def first_from(trial: FrozenTrial, step: int, objectives: int) -> Values | None:
    """Returns the first report at or beyond a step in which nothing is NaN, or None.

    Args:
        trial:
            Of any state.
        step:
            Where to begin.
        objectives:
            How many the study has.
    """
    # Most trials report at the very step; of those that do, the others need not be read.
    if objectives == 1:
        value = trial.intermediate_values.get(step)
        there: Values | None = None if value is None else [value]
    else:
        there = report_at(trial.user_attrs, step)
    if there is not None and not has_nan(there):
        return there
    found = reports(trial, objectives).items()
    return next((values for at, values in found if at >= step and not has_nan(values)), None)


def has_nan(values: Values) -> bool:
    """Returns whether a value is NaN; one that is not known yet is not.

    Args:
        values:
            A report.
    """
    return any(value != value for value in values)
