"""What a trial reports in a study with several objectives: a value for each, None if not known."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
import operator


def report_of(
    value: float | Sequence[float | None],
    objectives: int,
    known: Mapping[int, float],
    evaluating: int | None,
) -> list[float | None]:
    """Returns a value for each objective.

    Args:
        value:
            One number for each objective, or only that of the objective being evaluated.
        objectives:
            How many there are.
        known:
            Values that are known already, by the objective's index.
        evaluating:
            The index of the objective being evaluated; None if nobody said.

    Raises:
        TypeError:
            If a value is no number.
        ValueError:
            If there is not one value for each objective.
    """
    value = value.tolist() if hasattr(value, "tolist") else value
    if isinstance(value, Sequence) and not isinstance(value, str):
        if len(value) != objectives:
            raise ValueError(
                f"report needs one value for each of the {objectives} objectives (None for what "
                f"is not known yet), but got {len(value)}: {list(value)!r}."
            )
        return [None if one is None else _number(one) for one in value]
    if evaluating is None:
        raise ValueError(
            f"the study has {objectives} objectives, so report needs a value for each, "
            f"trial.report([score, cost], step), but got {value!r}."
        )
    values: list[float | None] = [known.get(i) for i in range(objectives)]
    values[evaluating] = _number(value)
    return values


def only_value(value: float | Sequence[float | None]) -> float:
    """Returns what is reported in a study with one objective.

    Args:
        value:
            A number, or a sequence of one.

    Raises:
        TypeError:
            If it is no number.
        ValueError:
            If it is a sequence of more or none.
    """
    if not isinstance(value, Sequence) or isinstance(value, str):
        return _number(value)
    if len(value) != 1:
        raise ValueError(f"the study has one objective, but report got {list(value)!r}.")
    return _number(value[0])


def checked_step(step: object) -> int:
    """Returns a step as an int.

    Args:
        step:
            A whole number of at least 0.

    Raises:
        TypeError:
            If it is no int.
        ValueError:
            If it is negative.
    """
    try:
        checked = operator.index(step)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(f"step must be an int, but got {step!r}.") from None
    if checked < 0:
        raise ValueError(f"step must be at least 0, but got {checked}.")
    return checked


def _number(value: object) -> float:
    try:
        if isinstance(value, str):
            raise TypeError
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, RuntimeError):
        raise TypeError(f"report needs numbers, but got {value!r}.") from None
