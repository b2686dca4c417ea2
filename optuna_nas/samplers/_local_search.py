"""Local search: go to a better neighbour until there is none (White et al. 2021, algorithm 1).

"Exploring the Loss Landscape in Neural Architecture Search", https://arxiv.org/abs/2005.02960

    while true:
        best <- the best of some random architectures
        repeat
            evaluate the unseen neighbours of best, in any order
            as soon as one is better, it is best
        until best has no neighbour left that was not seen
"""

from __future__ import annotations

from collections.abc import Hashable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from collections.abc import Set
from dataclasses import replace
from typing import Any
from typing import TYPE_CHECKING

from optuna.trial import TrialState

from optuna_nas._arguments import checked_int
from optuna_nas._ranking import best_first
from optuna_nas._ranking import has_value
from optuna_nas._ranking import leaders
from optuna_nas.samplers._architectures import key
from optuna_nas.samplers._draw import draw
from optuna_nas.samplers._draw import generator
from optuna_nas.samplers._mutation import neighbours
from optuna_nas.samplers._planning import PLAN
from optuna_nas.samplers._planning import Plan
from optuna_nas.samplers._planning import plan_of
from optuna_nas.samplers._planning import PlanningSampler


if TYPE_CHECKING:
    from optuna.study import StudyDirection
    from optuna.trial import FrozenTrial

    from optuna_nas.samplers._history import History


class LocalSearchSampler(PlanningSampler):
    """Proposes what is one decision away from the best, and starts elsewhere when that is done.

    A descent begins with random samples. Then it asks for the neighbours of the best among its
    trials, moving on as soon as one is better. When the best has no unseen neighbour left, a new
    descent begins; while other workers still run some, those of the next best are taken.

    A neighbour differs in one decision: any other option of a categorical; of an ordered number
    the next value, and those a tenth and a hundredth of its (log) range away. Decisions that come
    into being with it are drawn once, so that each has a finite number of neighbours. With several
    objectives the neighbours of the whole front are taken (Pareto local search, Paquete et al.
    2004), of its least crowded places first. Trials of any source belong to the descent that is
    under way when they are added; pruned ones rank behind all that got further, by their last
    value.

    Proposals are functions of the seed, the trial's number and the trials before: a resume changes
    nothing, and workers share one search.

    Example:

        .. code-block:: python

            sampler = optuna_nas.samplers.LocalSearchSampler(seed=0)
            study = optuna.create_study(sampler=sampler, direction="maximize")

    Args:
        n_initial:
            How many random samples a descent begins with; at least 1.
        seed:
            At least 0; None draws one.

    Raises:
        ValueError:
            If an argument is out of range.
    """

    def __init__(self, *, n_initial: int = 5, seed: int | None = None) -> None:
        super().__init__(avoid_repeats=True, seed=seed)
        self._n_initial = checked_int("n_initial", n_initial, 1)
        self._pool = _Pool([], -1)

    def _plans(
        self, history: History, number: int, directions: Sequence[StudyDirection]
    ) -> Iterator[Plan]:
        """Neighbours of the best of this descent; when there are no more, the next begins."""
        descent = _latest_descent(history)
        if not self._pool.belongs_to(history, descent):
            self._pool = _Pool(history.arrived, descent)
        pool = self._pool
        pool.read(directions)
        begun = [other for other in history.open if descent <= other < number]
        known = pool.exhausted | _exhausted(history.trials[other] for other in begun)
        exhausted: list[int] = []
        if pool.size + len(begun) >= self._n_initial:
            for best in best_first(pool.leaders, directions):
                if best.number not in known:
                    for plan in self._neighbours(history, best, number):
                        yield replace(plan, descent=descent, exhausted=[*exhausted])
                    exhausted.append(best.number)
            if _may_improve(history, pool, begun):
                for plan in self._second_best(history, number, directions):
                    yield replace(plan, descent=descent, exhausted=exhausted)
            if pool.leaders:
                descent = number
        for plan in self._strangers(history, number):
            yield replace(plan, descent=descent, exhausted=exhausted)

    def _neighbours(self, history: History, center: FrozenTrial, number: int) -> Iterator[Plan]:
        """All that differ from a trial in one decision, in random order.

        Those that failed are left out: without a value they would be unseen for ever.
        """
        failed = self._pool.failed_changes(center)
        changes = [
            (name, value)
            for name, distribution in center.distributions.items()
            for value in neighbours(distribution, center.params[name])
            if (name, key(value)) not in failed
        ]
        order = generator(self._seed, number, center.number, "neighbours").permutation(
            len(changes)
        )
        for name, value in (changes[i] for i in order):
            params = {**center.params, name: value}
            keys = (self._seed, center.number, name, str(value))

            def answer(asked: str, params: Any = params, keys: Any = keys) -> Any:
                if asked in params:
                    return params[asked]
                return draw(history.distributions[asked], generator(*keys, asked))

            params |= history.activity.expected(center.params, answer)
            yield Plan(params, [center.number], name)

    def _second_best(
        self, history: History, number: int, directions: Sequence[StudyDirection]
    ) -> Iterator[Plan]:
        trials = [trial for trial in history.valued if trial.number >= self._pool.descent]
        for center in best_first(trials, directions, limit=self._n_initial):
            yield from self._neighbours(history, center, number)


class _Pool:
    """The trials of one descent, of which only the leaders are kept.

    A pickle of it is empty, and the next trial makes a new one.

    Attributes:
        size:
            How many have a value.
        leaders:
            The best of them.
        exhausted:
            The numbers of those that were found to have no neighbours left.
    """

    def __init__(self, arrived: list[FrozenTrial], descent: int) -> None:
        self._arrived, self.descent = arrived, descent
        self.leaders: list[FrozenTrial] = []
        self.exhausted: set[int] = set()
        self.size = self._read = 0
        self._failed: dict[int, set[tuple[str, Hashable]]] = {}

    def __reduce__(self) -> tuple[type[_Pool], tuple[list[FrozenTrial], int]]:
        return _Pool, ([], -1)

    def belongs_to(self, history: History, descent: int) -> bool:
        return self._arrived is history.arrived and self.descent == descent

    def read(self, directions: Sequence[StudyDirection]) -> None:
        new = [trial for trial in self._arrived[self._read :] if trial.number >= self.descent]
        self._read = len(self._arrived)
        self.exhausted |= _exhausted(new)
        for plan in (plan_of(trial) for trial in new if trial.state == TrialState.FAIL):
            if plan.mutated is not None and len(plan.parents) == 1:
                change = plan.mutated, key(plan.params[plan.mutated])
                self._failed.setdefault(plan.parents[0], set()).add(change)
        valued = [trial for trial in new if has_value(trial)]
        self.size += len(valued)
        self.leaders = leaders([*self.leaders, *valued], directions)

    def failed_changes(self, center: FrozenTrial) -> Set[tuple[str, Hashable]]:
        """In which decisions, and to which values, neighbours of a trial failed."""
        return self._failed.get(center.number, set())


def _exhausted(trials: Iterable[FrozenTrial]) -> set[int]:
    """What the plans of these trials say of others."""
    planned = (plan_of(trial) for trial in trials if PLAN in trial.system_attrs)
    return {number for plan in planned for number in plan.exhausted}


def _may_improve(history: History, pool: _Pool, begun: Sequence[int]) -> bool:
    """Whether other workers run neighbours of the best, or trials that the descent begins with."""
    best = {trial.number for trial in pool.leaders}
    plans = (plan_of(history.trials[other]) for other in begun)
    return any(not plan.parents or plan.parents[0] in best for plan in plans)


def _latest_descent(history: History) -> int:
    """Of this sampler's latest trial; those of others say nothing of descents."""
    planned = (plan_of(t) for t in reversed(history.trials) if PLAN in t.system_attrs)
    return next((plan.descent for plan in planned if plan.descent is not None), 0)
