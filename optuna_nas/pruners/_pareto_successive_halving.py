"""Asynchronous successive halving for several objectives (MO-ASHA, Schmucker et al. 2021).

https://arxiv.org/abs/2106.12639

    at a trial's first report at or beyond a rung:
        all that have been there, in order: feasible first; by non-dominated rank; spread out
        the trial goes on if it is among the first 1 / reduction_factor
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Sequence
from typing import Literal
from typing import TYPE_CHECKING

import numpy as np
from optuna.pruners import BasePruner

from optuna_nas._arguments import checked_int
from optuna_nas._ranking import Floats
from optuna_nas._ranking import turned
from optuna_nas._ranking import violation
from optuna_nas._reports import Values
from optuna_nas.pruners._brackets import bracket_of
from optuna_nas.pruners._place import ORDERS
from optuna_nas.pruners._place import place
from optuna_nas.pruners._reports import first_from
from optuna_nas.pruners._reports import has_nan
from optuna_nas.pruners._reports import reports


if TYPE_CHECKING:
    from optuna.study import Study
    from optuna.trial import FrozenTrial


STOPPED = "optuna_nas:stopped_at"
"""System attr: the rung at which a trial was stopped, if its report was beyond the next rung too.
It has not been at that one, and the reports alone do not show it."""


class ParetoSuccessiveHalvingPruner(BasePruner):
    """Lets the best of each rung go on, with one objective or several.

    At its first report at or beyond a rung, a trial competes with all that have been there,
    whatever became of them: of n trials (itself among them), the first ``n // reduction_factor``
    go on, and at least one. The order: by how much they break constraints, those that break none
    first; by non-dominated rank; within a front, spread out. Trials of equal values share
    the best of their places. Beyond the paper, a trial that no other dominates goes on in any
    case: a front of a few trials at a late rung would lose most of itself to save little.

    The objectives are those that all of them know there, so that costs that are known before
    training take part from the first rung on. Where a value is NaN, a trial is stopped; where
    there is nothing to compare, it goes on. A report between two rungs changes nothing and costs
    next to nothing.

    With one objective and without constraints, this is Optuna's ``SuccessiveHalvingPruner``, and
    with brackets its ``HyperbandPruner``, decision for decision. It keeps nothing: all workers,
    and a study that is resumed, decide by the reports in the storage.

    Example:

        .. code-block:: python

            pruner = optuna_nas.pruners.ParetoSuccessiveHalvingPruner(min_resource=1)
            study = optuna_nas.create_study(pruner=pruner, directions=["maximize", "minimize"])

    Args:
        min_resource:
            The first rung, in the unit of the reported steps (epochs, seconds, FLOPs), at least
            1. The next is ``reduction_factor`` times as far, and so on.
        reduction_factor:
            One of how many goes on; at least 2.
        rungs:
            All rungs, strictly increasing, in place of ``min_resource``.
        tie_break:
            Who comes first on a front: ``"epsilon_net"``, first the best by the first objective,
            then the one farthest from those before, and so on; or ``"crowding"``, those with the
            farthest neighbours, the ends of the front before all.
        keep_front:
            Whether what none dominates goes on in any case; False is the paper's algorithm. With
            one objective it is the same.
        brackets:
            How many brackets, as in Hyperband. Bracket ``s`` leaves out the first ``s`` rungs; a
            trial's number decides its bracket, and it competes in that one only.

    Raises:
        ValueError:
            If an argument is out of range.
    """

    several_objectives = True
    """So that ``SampledTrial.should_prune`` asks it."""

    def __init__(
        self,
        *,
        min_resource: int = 2,
        reduction_factor: int = 3,
        rungs: Sequence[int] | None = None,
        tie_break: Literal["epsilon_net", "crowding"] = "epsilon_net",
        keep_front: bool = True,
        brackets: int = 1,
    ) -> None:
        self._min_resource = checked_int("min_resource", min_resource, 1)
        self._reduction_factor = checked_int("reduction_factor", reduction_factor, 2)
        self._brackets = checked_int("brackets", brackets, 1)
        self._explicit = None if rungs is None else _checked_rungs(rungs, self._brackets)
        if tie_break not in ORDERS:
            names = " or ".join(map(repr, sorted(ORDERS)))
            raise ValueError(f"tie_break must be {names}, but got {tie_break!r}.")
        self._tie_break = tie_break
        self._keep_front = keep_front

    def prune(self, study: Study, trial: FrozenTrial) -> bool:
        """Returns whether the trial should stop after its last report.

        Args:
            study:
                Which it belongs to.
            trial:
                As it is in the storage now.
        """
        known = reports(trial, len(study.directions))
        if not known:
            return False
        *earlier, last = known
        before = max((step for step in earlier if not has_nan(known[step])), default=-1)
        bracket = self._bracket(study, trial)
        new = [rung for rung in self._rungs(bracket, last) if rung > before]
        if not new or has_nan(known[last]):
            return bool(new)
        others = [
            other
            for other in study.get_trials(deepcopy=False)
            if other.number != trial.number and self._bracket(study, other) == bracket
        ]
        for rung in new:
            if not self._is_promoted(study, trial, known[last], others, rung):
                if rung != new[-1] and not trial.state.is_finished():
                    study._storage.set_trial_system_attr(trial._trial_id, STOPPED, rung)
                return True
        return False

    def _bracket(self, study: Study, trial: FrozenTrial) -> int:
        return bracket_of(study.study_name, trial.number, self._brackets, self._reduction_factor)

    def _rungs(self, bracket: int, last: int) -> Iterator[int]:
        """The rungs of a bracket up to a step."""
        if self._explicit is not None:
            yield from (rung for rung in self._explicit[bracket:] if rung <= last)
            return
        rung = self._min_resource * self._reduction_factor**bracket
        while rung <= last:
            yield rung
            rung *= self._reduction_factor

    def _is_promoted(
        self,
        study: Study,
        trial: FrozenTrial,
        own: Values,
        others: Sequence[FrozenTrial],
        rung: int,
    ) -> bool:
        if all(value is None for value in own):
            return True
        by, there = violation(trial), []
        for other in others:
            if other.system_attrs.get(STOPPED, rung) < rung:
                continue
            if (values := first_from(other, rung, len(study.directions))) is not None:
                there.append((violation(other), values))
        seats = max(1, (1 + len(there)) // self._reduction_factor)
        ahead = sum(broken < by for broken, _ in there)
        if ahead >= seats:
            return False
        alike = [own, *(values for broken, values in there if broken == by)]
        table = _comparable(turned(alike, study.directions))
        if not table.size or (self._keep_front and not ahead and not _is_dominated(table)):
            return True
        return ahead + place(table, table[0], seats - ahead, self._tie_break) < seats


def _comparable(table: Floats) -> Floats:
    """The objectives that all know, of all that know any."""
    table = table[~np.isnan(table).all(1)]
    return np.asarray(table[:, ~np.isnan(table).any(0)])


def _is_dominated(table: Floats) -> bool:
    """Whether any row is at least as good as the first in all columns, and better in one."""
    return bool(((table <= table[0]).all(1) & (table < table[0]).any(1)).any())


def _checked_rungs(rungs: Sequence[int], brackets: int) -> list[int]:
    checked = [checked_int("each of rungs", rung, 1) for rung in rungs]
    if not checked or sorted(set(checked)) != checked:
        raise ValueError(f"rungs must be at least one and strictly increasing, but got {rungs!r}.")
    if len(checked) < brackets:
        raise ValueError(
            f"rungs must be at least as many as brackets ({brackets}), since each bracket leaves "
            f"out one more, but got {rungs!r}."
        )
    return checked
