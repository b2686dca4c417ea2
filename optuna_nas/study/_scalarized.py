"""``Scalarized``: one number of several, for a study with one objective.

Without a choice of weights before the search, take several objectives and choose from the front.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
import math
from numbers import Real
from typing import Any

from torch import nn

from optuna_nas.metrics import Metric
from optuna_nas.space._reports import only_value
from optuna_nas.study._costs import Costs
from optuna_nas.study._names import evaluator_name
from optuna_nas.study._number import as_number
from optuna_nas.study._objective_arguments import checked_evaluators
from optuna_nas.study._objective_arguments import Evaluator


@dataclass(frozen=True)
class WeightedSum:
    """What :func:`weighted_sum` gives.

    Args:
        weights:
            One for each value.
    """

    weights: tuple[float, ...]

    def __call__(self, values: Sequence[float]) -> float:
        """The sum of the values, each times its weight.

        Args:
            values:
                As many as weights.
        """
        return sum(weight * value for weight, value in zip(self.weights, values, strict=True))


def weighted_sum(*weights: float) -> WeightedSum:
    """Returns a function of values that sums them, each times its weight.

    Only what lies on the convex part of a front can be found with it (Das & Dennis 1997, "A closer
    look at drawbacks of minimizing weighted sums of objectives", Structural Optimization 14).

    Args:
        *weights:
            One for each value; below 0 for what is to be small, where the sum is to be large.

    Raises:
        ValueError:
            If there is none, or one is no finite number.
    """
    numbers = [isinstance(w, Real) and math.isfinite(w) for w in weights]
    if not weights or not all(numbers):
        raise ValueError(
            "weights must be finite numbers, one for each value, weighted_sum(1.0, -0.01), but "
            f"got {weights!r}."
        )
    return WeightedSum(tuple(map(float, weights)))


class Scalarized:
    """An evaluator that makes one number of the values of several.

    Metrics are measured before the others run, and noted in the trial's user attr ``metrics``.
    While the last of the others runs, its reports become ``by`` of what it reports and what is
    known of the rest, so that a pruner compares what the search is for; what those before it
    report is dropped, since not all values are known then.

    Example:

        .. code-block:: python

            score = Scalarized(train, metrics.Latency(example), by=weighted_sum(1.0, -0.01))
            score = Scalarized(train, metrics.Latency(example), by=mnasnet_reward(target=5.0))
            study = optuna_nas.create_study(direction="maximize")
            study.optimize(Objective(Net, score), n_trials=50)

    Args:
        *evaluators:
            Two or more, each a callable ``(module, trial) -> float``.
        by:
            From a list of their values, in this order, to a number:
            :func:`weighted_sum`, :func:`optuna_nas.samplers.mnasnet_reward`, or your own.
        direction:
            ``"maximize"`` or ``"minimize"``: which way that number goes.

    Raises:
        TypeError:
            If an evaluator or ``by`` is no callable; from a call, if a value is no number.
        ValueError:
            If there are fewer than two evaluators, the direction is another, or weights are more
            or fewer than evaluators or reward what an evaluator wants less of.
        Rejected:
            From a call, if a value is NaN or a metric cannot be measured.
    """

    name = "scalarized"

    def __init__(
        self,
        *evaluators: Evaluator,
        by: Callable[[Sequence[float]], float],
        direction: str = "maximize",
    ) -> None:
        self.evaluators = _several(evaluators)
        self.by = by
        self.direction = direction
        examples = (getattr(evaluate, "example", None) for evaluate in evaluators)
        self.example: Any = next((example for example in examples if example is not None), None)
        """The first input that one of the evaluators knows, for a dry run; or None."""
        if not callable(by) or isinstance(by, type):
            raise TypeError(
                "by must be a function of a list of values, weighted_sum(1.0, -0.01), but got "
                f"{by!r} ({type(by).__name__})."
            )
        if direction not in ("maximize", "minimize"):
            raise ValueError(f"direction must be 'maximize' or 'minimize', but is {direction!r}.")
        if isinstance(by, WeightedSum):
            _check_weights(by.weights, self.evaluators, direction)

    def __call__(self, module: nn.Module, trial: Any) -> float:
        """Evaluates the module by each evaluator, and returns the one number.

        Args:
            module:
                The candidate.
            trial:
                As the evaluators need it.
        """
        values = self._costs(module, trial)
        for i, evaluate in enumerate(self.evaluators):
            if i not in values:
                reporting = _ReportingTrial(trial, self, values, i)
                value = evaluate(module, reporting)
                values[i] = as_number(f"evaluator {evaluator_name(evaluate)}", value)
        return as_number("by", self._one_number(values))

    def _one_number(self, values: Mapping[int, float]) -> float:
        """Of all values, by the evaluator's index; NaN if one of them is."""
        listed = [values[i] for i in range(len(self.evaluators))]
        if any(map(math.isnan, listed)):
            return math.nan
        number = self.by(listed)
        if not isinstance(number, Real) or isinstance(number, bool):
            raise TypeError(
                f"by ({getattr(self.by, '__name__', self.by)}) must return a number, but returned "
                f"{number!r} for the values {listed}."
            )
        return float(number)

    def _costs(self, module: nn.Module, trial: Any) -> dict[int, float]:
        """What the metrics say, by the evaluator's index."""
        metrics = {i: e for i, e in enumerate(self.evaluators) if isinstance(e, Metric)}
        costs = getattr(trial, "costs", None) or Costs(trial, ())
        values = {i: costs.of(metric, module) for i, metric in metrics.items()}
        if values:
            costs.note_metrics()
        return values


class _ReportingTrial:
    """The trial, but that one evaluator's reports become the one number of all."""

    def __init__(
        self, trial: Any, scalarized: Scalarized, known: Mapping[int, float], evaluating: int
    ) -> None:
        self._trial = trial
        self._scalarized = scalarized
        self._known = known
        self._evaluating = evaluating

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "_trial":
            raise AttributeError(name)
        return getattr(self._trial, name)

    def report(self, value: float | Sequence[float | None], step: int) -> None:
        """Reports the one number, if all other values are known."""
        values = {**self._known, self._evaluating: only_value(value)}
        if len(values) == len(self._scalarized.evaluators):
            self._trial.report(self._scalarized._one_number(values), step)


def _several(evaluators: Sequence[Any]) -> tuple[Evaluator, ...]:
    if len(evaluators) < 2:
        raise ValueError(
            f"Scalarized makes one number of several, but got {len(evaluators)} evaluators; one "
            "alone goes to Objective as it is."
        )
    return checked_evaluators(evaluators)


def _check_weights(
    weights: Sequence[float], evaluators: Sequence[Evaluator], direction: str
) -> None:
    if len(weights) != len(evaluators):
        raise ValueError(
            f"weighted_sum has {len(weights)} weights, but there are {len(evaluators)} "
            "evaluators; there is one for each."
        )
    for weight, evaluate in zip(weights, evaluators, strict=True):
        wanted = getattr(evaluate, "direction", None)
        wanted = None if wanted is None else str(getattr(wanted, "name", wanted)).lower()
        sign = 1 if wanted == direction else -1
        if wanted is not None and weight * sign < 0:
            raise ValueError(
                f"weight {weight:g} of {evaluator_name(evaluate)} goes the wrong way: that is to "
                f"{wanted}, and the sum to {direction}. Give {-weight:g}."
            )
