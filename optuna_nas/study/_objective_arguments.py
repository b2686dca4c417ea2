"""What objectives are given, checked before anything runs."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
from typing import Any
from typing import TypeAlias

import torch
from torch import nn

from optuna_nas.metrics import Constraint
from optuna_nas.metrics import Metric


Evaluator: TypeAlias = Callable[[nn.Module, Any], float]
"""``(module, trial) -> float``; it may carry a ``direction`` and an ``example``."""


def checked_evaluators(evaluators: Sequence[Any]) -> tuple[Evaluator, ...]:
    """Returns evaluators that can be called.

    Args:
        evaluators:
            What came.

    Raises:
        TypeError:
            If one cannot be called on a module and a trial.
        ValueError:
            If there is none.
    """
    if not evaluators:
        raise ValueError(
            "Objective needs an evaluator, a callable (module, trial) -> float, for each "
            "direction of the study: Objective(network, Train(train, valid, epochs=10))."
        )
    for evaluator in evaluators:
        if not callable(evaluator) or isinstance(evaluator, type | Constraint):
            raise TypeError(
                "an evaluator must be a callable (module, trial) -> float, but got "
                f"{evaluator!r} ({type(evaluator).__name__})."
            )
    return tuple(evaluators)


def checked_constraints(constraints: Sequence[Any]) -> tuple[Constraint, ...]:
    """Returns constraints of different names.

    Args:
        constraints:
            What came; one without a list will do.

    Raises:
        TypeError:
            If one is something else.
        ValueError:
            If two have one name.
    """
    constraints = [constraints] if isinstance(constraints, Constraint) else list(constraints)
    for constraint in constraints:
        if not isinstance(constraint, Constraint):
            raise TypeError(
                "a constraint is a metric compared with a number, metrics.Parameters() <= 1e6, "
                f"but got {constraint!r} ({type(constraint).__name__})."
            )
    names = [constraint.name for constraint in constraints]
    if len(set(names)) < len(names):
        raise ValueError(f"two constraints have one name: {', '.join(names)}.")
    return tuple(constraints)


def check_metric_names(evaluators: Sequence[Evaluator], constraints: Sequence[Constraint]) -> None:
    """Checks that no two metrics share a name, under which a trial notes what they said.

    Args:
        evaluators:
            Metrics and others.
        constraints:
            On metrics.

    Raises:
        ValueError:
            If metrics that differ have one name.
    """
    metrics = [e for e in evaluators if isinstance(e, Metric)] + [c.metric for c in constraints]
    for i, metric in enumerate(metrics):
        for other in metrics[:i]:
            if metric.name == other.name and metric != other:
                raise ValueError(
                    f"two metrics that differ have one name, {metric.name!r}. Give one of them "
                    f'another: class Other({type(metric).__name__}): name = "..."'
                )


def example_of(evaluators: Sequence[Any]) -> Any:
    """Returns the data of the first evaluator that has some; None if none has.

    Args:
        evaluators:
            Any.
    """
    examples = (getattr(evaluator, "example", None) for evaluator in evaluators)
    return next((example for example in examples if example is not None), None)


def two_rows(example: Any) -> tuple[torch.Tensor, ...] | None:
    """Returns the first two rows of each input, on the CPU.

    Args:
        example:
            A batch, a tuple of batches, or None.

    Raises:
        TypeError:
            If it is something else.
    """
    if example is None:
        return None
    inputs = example if isinstance(example, tuple) else (example,)
    try:
        return tuple(torch.as_tensor(x)[:2].cpu() for x in inputs)
    except (TypeError, ValueError, RuntimeError, IndexError):
        raise TypeError(
            "example must be a batch of inputs, a tensor or an array with at least one dimension "
            f"(or a tuple of them), but got {example!r} ({type(example).__name__})."
        ) from None
