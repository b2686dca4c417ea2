"""Samplers that think of a whole architecture before each trial, and answer from this plan.

The plan lies in the trial's system attrs. So it does not matter which process asks the trial's
questions, other workers see what is under way, and one can tell afterwards who came from whom.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from collections.abc import Hashable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace
from functools import partial
from itertools import chain
from itertools import takewhile
from typing import Any
from typing import TYPE_CHECKING
from typing import TypeAlias

from optuna.samplers import BaseSampler
from optuna.samplers import PartialFixedSampler
from optuna.trial import TrialState

from optuna_nas.samplers._architectures import key
from optuna_nas.samplers._draw import checked_seed
from optuna_nas.samplers._draw import draw
from optuna_nas.samplers._draw import generator
from optuna_nas.samplers._draw import legal
from optuna_nas.samplers._history import History
from optuna_nas.samplers._under_way import UnderWay


if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.storages import BaseStorage
    from optuna.study import Study
    from optuna.study import StudyDirection
    from optuna.trial import FrozenTrial


PLAN = "optuna_nas:plan"
"""Trial system attr: the fields of a plan."""

FIXED = "fixed_params"
"""Trial system attr of Optuna's: what ``enqueue_trial`` wants."""

STRANGERS = 300
"""How many random samples are drawn until one is new."""

LOOKED_UP = 30
"""How many that are new by their params may turn out to compute what is known.

After so many, a sampler's own ideas give way to random ones; after twice as many, one will do. To
find that out takes milliseconds.
"""

Answers: TypeAlias = Callable[[str], Any]
"""An architecture, as the value that it has for each decision, asked or not."""

IsKnown: TypeAlias = Callable[
    [Sequence["FrozenTrial"], Callable[[str, "BaseDistribution"], Any]], bool
]
"""From trials, and what a candidate would answer, to whether one of them computes the same."""


@dataclass(frozen=True)
class Plan:
    """What a trial is meant to become.

    Args:
        params:
            Its answers, perhaps to more than it is asked. What is not here is drawn at random.
        parents:
            The numbers of the trials it comes from, the closest first; none if it is random.
        mutated:
            The decision in which it was made to differ from its parents.
        descent:
            In a local search, the number of the trial that its descent began with.
        exhausted:
            In a local search, the numbers of trials that were found to have no neighbours left.
    """

    params: Mapping[str, Any]
    parents: Sequence[int] = ()
    mutated: str | None = None
    descent: int | None = None
    exhausted: Sequence[int] = ()


class PlanningSampler(BaseSampler):
    """Takes the first of :meth:`_plans` that is new, and answers what it says.

    Args:
        avoid_repeats:
            Whether it has to be new: neither seen nor under way.
        seed:
            At least 0; None draws one.
    """

    is_known: IsKnown | None = None
    """Given by an objective that knows what networks compute; params alone are names."""

    known_in: tuple[BaseStorage, int] | None = None
    """The storage and the id of the study for which it was given; None for any."""

    def __init__(self, *, avoid_repeats: bool, seed: int | None) -> None:
        self._seed = checked_seed(seed)
        self._avoid_repeats = avoid_repeats
        self._history = History()
        self._under_way = UnderWay()

    def __getstate__(self) -> dict[str, Any]:
        of_a_study = ("is_known", "known_in")
        return {name: value for name, value in vars(self).items() if name not in of_a_study}

    @abstractmethod
    def _plans(
        self, history: History, number: int, directions: Sequence[StudyDirection]
    ) -> Iterator[Plan]:
        """Thinks of architectures, best first; they follow from the arguments and the seed."""

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        """Makes the plan, and keeps it in the trial."""
        with self._history.of(study) as history:
            if self.known_in not in (None, (study._storage, study._study_id)):
                self.is_known = self.known_in = None
            plan = self._plan(history, trial, study.directions, _fixed(study.sampler))
        # Not `asdict`, which would copy the values.
        study._storage.set_trial_system_attr(trial._trial_id, PLAN, dict(vars(plan)))

    def _plan(
        self,
        history: History,
        trial: FrozenTrial,
        directions: Sequence[StudyDirection],
        fixed: Mapping[str, Any],
    ) -> Plan:
        """The first that is new, given what the trial will answer whatever is planned."""
        number, enqueued = trial.number, trial.system_attrs.get(FIXED, {})
        given = {**fixed, **enqueued}
        if self._avoid_repeats:
            self._under_way.read(history, number, partial(self._known, history))
        if given and not self._expected(history, Plan(given), number).keys() - given.keys():
            return Plan(given)  # nothing is left to be thought of
        known: set[Hashable] = set()
        thought_of = self._plans(history, number, directions)
        plans = takewhile(lambda _: len(known) < LOOKED_UP, thought_of)
        for plan in chain(plans, self._strangers(history, number)):
            if plan.mutated in given:
                continue
            plan = replace(plan, params={**plan.params, **given})
            if not self._avoid_repeats:
                break
            if self._is_new(history, plan, number) and self._computes_what_is_new(
                history, plan, number, known
            ):
                break
        if enqueued:  # it becomes what was enqueued, and the plan fills the rest
            return Plan(plan.params)
        return plan

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        return {}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        return {n: self.sample_independent(study, trial, n, d) for n, d in search_space.items()}

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        plan = plan_of(trial)
        return self._answer(plan.params, trial.number, param_name, param_distribution)

    def _answer(
        self, params: Mapping[str, Any], number: int, name: str, distribution: BaseDistribution
    ) -> Any:
        if name in params and legal(distribution, params[name]):
            return params[name]
        return draw(distribution, generator(self._seed, number, name))

    def _answers(self, history: History, params: Mapping[str, Any], number: int) -> Answers:
        """All that a trial with this number and this plan would answer."""
        return lambda name: self._answer(params, number, name, history.distributions[name])

    def _strangers(self, history: History, number: int) -> Iterator[Plan]:
        """Random samples; the first is what would be asked without a plan."""
        yield Plan({})
        for attempt in range(STRANGERS):
            yield Plan(
                {
                    name: draw(distribution, generator(self._seed, number, attempt, name))
                    for name, distribution in history.distributions.items()
                }
            )

    def _is_new(self, history: History, plan: Plan, number: int) -> bool:
        if history.architectures.holds(self._answers(history, plan.params, number)):
            return False
        return not self._under_way or not self._under_way.holds(
            self._expected(history, plan, number)
        )

    def _computes_what_is_new(
        self, history: History, plan: Plan, number: int, known: set[Hashable]
    ) -> bool:
        """As far as anyone can tell; what is not new is put to those that are known."""
        if self.is_known is None or len(known) == 2 * LOOKED_UP:
            return True
        expected = self._expected(history, plan, number)
        candidate = frozenset((name, key(value)) for name, value in expected.items())
        if candidate in known:
            return False
        if self.is_known(history.trials, partial(self._answer, plan.params, number)):
            known.add(candidate)
        return candidate not in known

    def _expected(self, history: History, plan: Plan, number: int) -> dict[str, Any]:
        """The names that a plan's trial would be asked, with its answers."""
        answers = self._answers(history, plan.params, number)
        if not history.valued:
            return {name: answers(name) for name in history.distributions}
        like = history.trials[plan.parents[0]] if plan.parents else history.valued[0]
        return history.activity.expected(like.params, answers)

    def _known(self, history: History, trial: FrozenTrial) -> dict[str, Any]:
        """What an open trial answers; one that waits has no plan yet for what was not enqueued."""
        params = {**plan_of(trial).params, **trial.system_attrs.get(FIXED, {})}
        names = set(history.distributions)
        if trial.state == TrialState.WAITING:
            names &= params.keys()
        answers = self._answers(history, params, trial.number)
        return {name: answers(name) for name in names} | trial.params


def plan_of(trial: FrozenTrial) -> Plan:
    """Returns what a trial was meant to become; nothing certain, if a planner had no part in it.

    Args:
        trial:
            Of any sampler.
    """
    plan = Plan(**trial.system_attrs.get(PLAN, {"params": {}}))
    others = [plan.descent or 0, *plan.parents, *plan.exhausted]
    if max(others) > trial.number:  # it was made in another study
        return Plan({})
    return plan


def _fixed(sampler: BaseSampler) -> dict[str, Any]:
    """What is answered in the place of the sampler that a study's sampler wraps."""
    fixed: dict[str, Any] = {}
    while isinstance(sampler, PartialFixedSampler):
        fixed = {**sampler._fixed_params, **fixed}
        sampler = sampler._base_sampler
    return fixed
