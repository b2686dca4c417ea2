"""From small architectures to large ones, as a predictor learns what the small ones are worth.

In the line of PNAS (Liu et al. 2018, "Progressive Neural Architecture Search", algorithm 1),
https://arxiv.org/abs/1712.00559

    evaluate cells of one block; fit the predictor to them
    for b = 2 .. B:
        expand the best K cells by one block, in every way
        evaluate the K most promising by the predictor; fit it to all that were evaluated

Here the number of blocks is any int decisions; one architecture is evaluated at a time, and the
predictor is fitted after each; it is a Gaussian process, and what counts is the improvement that
it expects; smaller architectures remain candidates; and what is grown is what mutations of the
best give, not all there is.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from typing import TYPE_CHECKING
import warnings

from optuna.distributions import IntDistribution

from optuna_nas._arguments import checked_int
from optuna_nas.samplers._draw import legal
from optuna_nas.samplers._history import History
from optuna_nas.samplers._planning import Plan
from optuna_nas.samplers._predictor import PredictorSampler


if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.study import StudyDirection


class ProgressiveSampler(PredictorSampler):
    """A :class:`PredictorSampler` that opens the numbers of blocks one after the other.

    The first ``n_initial`` trials have the lowest value of each growing decision. Then the next
    value is allowed as well, after ``n_per_level`` more trials with a value another one, and so on
    up to the highest; of a decision in the log domain each is twice the one before. A value is
    opened early where nothing new is left below it. In other respects it is what
    :class:`PredictorSampler` is: proposals are functions of the seed, the trial's number and the
    trials before. What is enqueued may be larger at any time.

    What it learns first is cheap, and it seldom returns to small ones: a search that takes as many
    trials may take longer than that of :class:`PredictorSampler`.

    Example:

        .. code-block:: python

            sampler = optuna_nas.samplers.ProgressiveSampler(["depth"], seed=0)
            study = optuna.create_study(sampler=sampler, direction="maximize")

    Args:
        growing:
            The int decisions that grow: ``suggest_int`` and ``suggest_repeat``. Full names,
            ``"stage0/blocks"``, or their last part, ``"blocks"``, in all places.
        n_initial:
            How many trials to begin with; at least 2.
        n_per_level:
            After how many trials the next value is opened; at least 1.
        seed:
            At least 0; None draws one.

    Raises:
        TypeError:
            If ``growing`` is no list of names.
        ValueError:
            If another argument is out of range; from a trial, if a growing decision is no int.
    """

    def __init__(
        self,
        growing: Sequence[str],
        *,
        n_initial: int = 10,
        n_per_level: int = 10,
        seed: int | None = None,
    ) -> None:
        named = not isinstance(growing, str) and all(isinstance(name, str) for name in growing)
        if not named or not growing:
            raise TypeError(
                "growing must be a list of the names of int decisions, ['depth'], but got "
                f"{growing!r}."
            )
        super().__init__(n_initial=n_initial, seed=seed)
        self._growing = tuple(growing)
        self._n_per_level = checked_int("n_per_level", n_per_level, 1)

    def _plans(
        self, history: History, number: int, directions: Sequence[StudyDirection]
    ) -> Iterator[Plan]:
        """The most promising of those that are small enough."""
        level = self._level(history)
        if level and not self._grown(history):
            names = ", ".join(history.distributions) or "nothing at all"
            warnings.warn(
                f"growing names {list(self._growing)}, but trials were asked {names}: nothing "
                "grows. Silence this with "
                "warnings.filterwarnings('ignore', message='growing names').",
                stacklevel=2,
            )
        opened = self._opened(history, level)
        for plan in super()._plans(opened, number, directions):
            yield self._cut(plan, history, level)

    def _strangers(self, history: History, number: int) -> Iterator[Plan]:
        """Random ones that are small enough; at last larger ones, where those are used up."""
        highest = max(map(_levels, self._grown(history).values()), default=0)
        now = min(self._level(history), highest)
        for level in sorted({now, min(now + 1, highest), highest}):
            for plan in super()._strangers(self._opened(history, level), number):
                yield self._cut(plan, history, level)

    def _answer(
        self, params: Mapping[str, Any], number: int, name: str, distribution: BaseDistribution
    ) -> Any:
        """What grows begins with its lowest value wherever it is first met."""
        if not self._grows(name):
            return super()._answer(params, number, name, distribution)
        lowest = _checked(name, distribution).low
        return params[name] if legal(distribution, params.get(name)) else lowest

    def _level(self, history: History) -> int:
        """How many values above the lowest are open."""
        more = len(history.valued) - self._n_initial
        return 0 if more < 0 else 1 + more // self._n_per_level

    def _grows(self, name: str) -> bool:
        return any(name == other or name.endswith(f"/{other}") for other in self._growing)

    def _grown(self, history: History) -> dict[str, IntDistribution]:
        return {n: _checked(n, d) for n, d in history.distributions.items() if self._grows(n)}

    def _opened(self, history: History, level: int) -> History:
        """The same history, but that what grows has been asked for values up to a level only."""
        up_to = {
            name: IntDistribution(d.low, _highest(d, level), log=d.log, step=d.step)
            for name, d in self._grown(history).items()
        }
        opened = History()
        vars(opened).update(vars(history), distributions={**history.distributions, **up_to})
        return opened

    def _cut(self, plan: Plan, history: History, level: int) -> Plan:
        """A plan within a level: its parents may have been larger, if they were enqueued."""
        grown = self._grown(history).items()
        highest = {name: _highest(d, level) for name, d in grown if name in plan.params}
        low = {name: min(plan.params[name], most) for name, most in highest.items()}
        return replace(plan, params={**plan.params, **low})


def _levels(distribution: IntDistribution) -> int:
    """The level from which on all values are open."""
    low, high = distribution.low, distribution.high
    if distribution.log:
        return ((high - 1) // low).bit_length()
    return (high - low) // distribution.step


def _highest(distribution: IntDistribution, level: int) -> int:
    """The highest value that is open."""
    low, high, step = distribution.low, distribution.high, distribution.step
    return min(high, low << min(level, 64) if distribution.log else low + level * step)


def _checked(name: str, distribution: BaseDistribution) -> IntDistribution:
    if not isinstance(distribution, IntDistribution):
        raise ValueError(
            f"growing names {name!r}, which must be an int decision (suggest_int or "
            f"suggest_repeat), but is {distribution}."
        )
    return distribution
