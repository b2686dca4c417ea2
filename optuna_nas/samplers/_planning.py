"""Samplers that think of a whole architecture before each trial, and answer from this plan.

The plan lies in the trial's system attrs. So it does not matter which process asks the trial's
questions, other workers see what is under way, and one can tell afterwards who came from whom.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import asdict
from dataclasses import dataclass
from dataclasses import replace
from itertools import chain
from typing import Any
from typing import TYPE_CHECKING
from typing import TypeAlias

from optuna.samplers import BaseSampler

from optuna_nas.samplers._draw import checked_seed
from optuna_nas.samplers._draw import draw
from optuna_nas.samplers._draw import generator
from optuna_nas.samplers._draw import legal
from optuna_nas.samplers._history import History


if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.study import Study
    from optuna.study import StudyDirection
    from optuna.trial import FrozenTrial


PLAN = "optuna_nas:plan"
"""Trial system attr: the fields of a plan."""

FIXED = "fixed_params"
"""Trial system attr of Optuna's: what ``enqueue_trial`` wants."""

STRANGERS = 300
"""How many random samples are drawn until one is new."""

Answers: TypeAlias = Callable[[str], Any]
"""An architecture, as the value that it has for each decision, asked or not."""


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
    """

    params: Mapping[str, Any]
    parents: Sequence[int] = ()
    mutated: str | None = None
    descent: int = 0


class PlanningSampler(BaseSampler):
    """Takes the first of :meth:`_plans` that is new, and answers what it says.

    Args:
        avoid_repeats:
            Whether it has to be new: neither seen nor under way.
        seed:
            At least 0; None draws one.
    """

    def __init__(self, *, avoid_repeats: bool, seed: int | None) -> None:
        self._seed = checked_seed(seed)
        self._avoid_repeats = avoid_repeats
        self._history = History()

    @abstractmethod
    def _plans(
        self, history: History, number: int, directions: Sequence[StudyDirection]
    ) -> Iterator[Plan]:
        """Thinks of architectures, best first; they follow from the arguments and the seed."""

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        """Makes the plan, and keeps it in the trial."""
        with self._history.of(study) as history:
            plans = self._plans(history, trial.number, study.directions)
            under_way = list(self._under_way(history, trial.number)) if self._avoid_repeats else []
            for plan in chain(plans, self._strangers(history, trial.number)):
                if not self._avoid_repeats or self._is_new(history, plan, trial.number, under_way):
                    break
        if (
            FIXED in trial.system_attrs
        ):  # it becomes what was enqueued, and the plan fills the rest
            plan = replace(plan, parents=(), mutated=None)
        study._storage.set_trial_system_attr(trial._trial_id, PLAN, asdict(plan))

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
        """Random samples; the first is what a random sampler with this seed would ask."""
        yield Plan({})
        for attempt in range(STRANGERS):
            yield Plan(
                {
                    name: draw(distribution, generator(self._seed, number, attempt, name))
                    for name, distribution in history.distributions.items()
                }
            )

    def _is_new(
        self, history: History, plan: Plan, number: int, under_way: Sequence[Mapping[str, Any]]
    ) -> bool:
        answers = self._answers(history, plan.params, number)
        if history.architectures.holds(answers):
            return False
        return not under_way or _meant(history, plan, answers) not in under_way

    def _under_way(self, history: History, number: int) -> Iterator[dict[str, Any]]:
        """What other trials that wait or run are, or will be when all is asked."""
        for trial in (history.trials[other] for other in history.open if other != number):
            plan = plan_of(trial)
            params = {**plan.params, **trial.system_attrs.get(FIXED, {}), **trial.params}
            yield _meant(history, plan, self._answers(history, params, trial.number))


def plan_of(trial: FrozenTrial) -> Plan:
    """Returns what a trial was meant to become; nothing certain, if a planner had no part in it.

    Args:
        trial:
            Of any sampler.
    """
    plan = Plan(**trial.system_attrs.get(PLAN, {"params": {}}))
    if max([plan.descent, *plan.parents]) > trial.number:  # it was made in another study
        return Plan({})
    return plan


def _meant(history: History, plan: Plan, answers: Answers) -> dict[str, Any]:
    """The names that a plan's trial would be asked, with its answers."""
    if not history.valued:
        return {name: answers(name) for name in history.distributions}
    known = history.trials[plan.parents[0]] if plan.parents else history.valued[0]
    return history.activity.expected(known.params, answers)
