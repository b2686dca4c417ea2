"""What metrics say of one candidate, before it is trained; each is asked once."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Sequence
import math

from torch import nn
from torch import Tensor

from optuna_nas.metrics import Constraint
from optuna_nas.metrics import Metric
from optuna_nas.space import CANNOT_BE_BUILT
from optuna_nas.space import SampledTrial
from optuna_nas.study._number import as_number
from optuna_nas.training import Rejected


COSTS = "metrics"
"""Trial user attr: ``{name of the metric: value}``, in the metric's unit."""

VIOLATIONS = "constraints"
"""Trial user attr: ``{name of the constraint: how far it is broken}``, 0 or less if it holds.

Optuna has the same from ``set_constraint``, but optuna-dashboard shows user attrs only.
"""


class Costs:
    """What is known of a trial's candidate, and noted in the trial.

    Args:
        trial:
            The candidate's.
        constraints:
            All there are. One that is not known yet counts as broken by infinity.
        example:
            Inputs of the training data, if they are known.
    """

    def __init__(
        self,
        trial: SampledTrial,
        constraints: Sequence[Constraint],
        example: tuple[Tensor, ...] | None = None,
    ) -> None:
        self._trial = trial
        self._example = example
        self._constraints = constraints
        self._measured: list[tuple[Metric, float]] = []
        self._violations = dict.fromkeys((c.name for c in constraints), math.inf)

    def of(self, metric: Metric, module: nn.Module) -> float:
        """The value of a metric; metrics that are equal are measured once.

        Args:
            metric:
                What to measure.
            module:
                The candidate; for a static metric on the meta device, too.

        Raises:
            Rejected:
                If it cannot be measured, or is NaN.
            TypeError:
                If the metric returns no number.
            ValueError:
                If it cannot be measured and the metric's example is not like the data.
        """
        for measured, value in self._measured:
            if measured == metric:
                return value
        value = as_number(f"metric {metric.name}", self._ask(metric, module))
        self._measured.append((metric, value))
        return value

    def check(self, constraints: Iterable[Constraint], module: nn.Module) -> None:
        """Holds the candidate against some constraints.

        Args:
            constraints:
                Those that can be known by now.
            module:
                The candidate.

        Raises:
            Rejected:
                If it breaks any, with all of them named.
        """
        broken = []
        for constraint in constraints:
            violation = constraint.violation(self.of(constraint.metric, module))
            self._violations[constraint.name] = violation
            if violation > 0:
                broken.append(f"{constraint.name} (by {violation:.6g})")
        if broken:
            raise Rejected(f"breaks {', '.join(broken)}")

    def check_all(self, module: nn.Module) -> None:
        """Holds the candidate against all constraints.

        Args:
            module:
                The candidate.

        Raises:
            Rejected:
                If it breaks any, with all of them named.
        """
        self.check(self._constraints, module)

    def note(self) -> None:
        """Writes into the trial what is known, as Optuna's constraints and as user attrs."""
        for name, violation in self._violations.items():
            self._trial.set_constraint(name, violation)
        if self._violations:
            self._trial.set_user_attr(VIOLATIONS, self._violations)
        self.note_metrics()

    def note_metrics(self) -> None:
        """Writes what metrics said, beside what is there."""
        if self._measured:
            costs = {metric.name: value for metric, value in self._measured}
            before = self._trial.user_attrs.get(COSTS, {})
            self._trial.set_user_attr(COSTS, {**before, **costs})

    def _ask(self, metric: Metric, module: nn.Module) -> object:
        try:
            return metric(module, self._trial)
        except (*CANNOT_BE_BUILT, IndexError) as error:
            self._check_example(metric, error)
            raise Rejected(f"{metric.name} cannot be measured: {error}") from error

    def _check_example(self, metric: Metric, error: Exception) -> None:
        """Rows of another shape than the data's may be meant, if the network can take them."""
        given = getattr(metric, "example", None)
        if given is None or self._example is None:
            return
        shapes = [[list(x.shape[1:]) for x in inputs] for inputs in (given, self._example)]
        if shapes[0] != shapes[1]:
            raise ValueError(
                f"the example of {metric.name} has rows of shape {_told(shapes[0])}, but the "
                f"networks take rows of {_told(shapes[1])}: {error}"
            ) from error


def _told(shapes: list[list[int]]) -> str:
    return " and ".join(map(str, shapes))
