"""``Screen``: poor candidates are not trained, as long as what tells them is worth its word.

Published proxies are good on the benchmarks they were published on. So the screen first watches:
it scores candidates that are trained anyway. It begins to reject only if the scores were right.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass
import math
from typing import Any
from typing import TypeAlias

import numpy as np
import optuna
from optuna.study import Study
from optuna.trial import FrozenTrial
from torch import nn

from optuna_nas._arguments import checked_float
from optuna_nas._arguments import checked_int
from optuna_nas.metrics import Flops
from optuna_nas.metrics import Parameters
from optuna_nas.samplers._draw import generator
from optuna_nas.space import CANNOT_BE_BUILT
from optuna_nas.space import SampledTrial
from optuna_nas.study._names import evaluator_name
from optuna_nas.study._screen_arguments import check_estimate
from optuna_nas.study._seeds import SEED
from optuna_nas.study._truth_meter import as_number
from optuna_nas.study._truth_meter import check_objective
from optuna_nas.study._truth_meter import measured_trials
from optuna_nas.study._truth_meter import note_values
from optuna_nas.study._truth_meter import SCREEN
from optuna_nas.study._truth_meter import Truth
from optuna_nas.study._truth_meter import truth_of
from optuna_nas.training import Rejected


TRUTH = "optuna_nas:screen"
"""Study user attr: ``{"estimate": its name, "objective": which one it is of, "trials": how many
were measured, "spearman": {name: [rho, low, high]}, "off": why the screen is off, or None}``, as
of the last trial that was measured."""

Estimate: TypeAlias = Callable[[nn.Module, Any], float]
"""``(module, trial) -> float``, more is better. NaN is no opinion; what is infinite, with either
sign, counts as the lowest score there is."""

_logger = optuna.logging.get_logger(f"optuna.{__name__}")  # obeys Optuna's verbosity


class Screened(Rejected):
    """A candidate that nothing is wrong with, but that others promise more than."""


@dataclass(frozen=True)
class Screen:
    """Rejects candidates whose estimate is poor, before they are trained.

    The first trials are all trained, and the estimate's rank correlation with what they came to is
    measured (:func:`truth`). From then on, a candidate is rejected whose score is below the
    quantile of all scores so far; but a share is trained whatever its score, drawn by the study's
    seed and the trial's number, and only these go on measuring: among those that the screen
    chose, it would look worse than it is. What is measured holds for what the sampler proposes.

    The screen turns itself off when the 95 % interval of its correlation is not wholly above zero,
    or wholly below the correlation of the parameter count, and says so, in Optuna's log and in the
    study's user attr ``optuna_nas:screen``. Then all candidates are trained and measured, and it
    is judged again whenever twice as many trials are known: an estimate that was doubted for want
    of trials may still come to its right, and noise seldom does (at most 1 in 40, each time).

    All that it knows is in the storage: workers share it, and a resume changes nothing.

    Example:

        .. code-block:: python

            screen = Screen(Proxy(proxies.naswot, (x[:32], None)), quantile=0.5)
            study.optimize(Objective(network, train, screen=screen), n_trials=200)

    Args:
        estimate:
            A :class:`optuna_nas.proxies.Proxy`, a :class:`Surrogate`, or any ``(module, trial) ->
            float``, more is better, whatever its ``direction``. NaN is no opinion.
        quantile:
            The share of candidates to reject, at least 0, below 1. With 0 it only measures.
        first:
            How many trials to measure before any is rejected, at least 5. With 20 a correlation
            below 0.46 cannot be told from none.
        unscreened:
            The share that is trained whatever its score, above 0, at most 1: without trials that
            it did not choose, nobody knows what a screen is worth.
        objective:
            Which one the estimate is of, by its index.

    Raises:
        TypeError:
            If the estimate is not callable, or a proxy without its batch.
        ValueError:
            If a number is none, or out of range.
    """

    estimate: Estimate
    quantile: float = 0.5
    first: int = 20
    unscreened: float = 0.2
    objective: int = 0

    def __post_init__(self) -> None:
        check_estimate("estimate", self.estimate)
        checked_float("quantile", self.quantile, least=0, below=1)
        checked_int("first", self.first, 5)
        checked_float("unscreened", self.unscreened, above=0, most=1)
        checked_int("objective", self.objective, 0)

    @property
    def name(self) -> str:
        """The estimate's."""
        return evaluator_name(self.estimate)

    def check_study(self, study: Study) -> None:
        """Checks that the study has the objective.

        Args:
            study:
                A new or a loaded study.

        Raises:
            ValueError:
                If it has not so many.
        """
        check_objective(study, self.objective, "the screen's objective")

    def check(self, trial: Any, module: nn.Module, example: Any) -> None:
        """Scores a candidate, notes it in the trial, and rejects it if the screen is on.

        Args:
            trial:
                The candidate's. Without a study nothing is done.
            module:
                The candidate; it is left as it was if the estimate leaves it so.
            example:
                A batch of its inputs, to count FLOPs; or None.

        Raises:
            Screened:
                If the score is below the quantile.
        """
        study = getattr(trial, "study", None)
        if study is None or math.isnan(score := float(self.estimate(module, trial))):
            return
        if math.isinf(score):
            score = -math.inf
        trials = measured_trials(study, self.name)
        is_ready = self.quantile > 0 and len(trials) >= self.first
        is_on = is_ready and self._judged(study, trials)[1] is None
        chosen = is_on and not self._is_let_through(study, trial.number)
        trial.set_user_attr(SCREEN, self._seen(score, module, example, chosen))
        if chosen and score < (limit := self._limit(study)):
            raise Screened(
                f"screened: {self.name} is {score:.6g}, below {limit:.6g}, the "
                f"{self.quantile:g} quantile of all candidates so far"
            )

    def note(self, trial: Any) -> None:
        """Notes in the study what it is worth, with a trial that is about to end.

        Args:
            trial:
                All its values are known, or it is to be pruned.
        """
        study = getattr(trial, "study", None)
        if study is None:
            return
        seen = trial.user_attrs.get(SCREEN, {})
        if seen.get("estimate") != self.name or seen["chosen"]:
            return
        note_values(study, trial)
        counted = None  # again if another trial ended meanwhile: its worker may have been faster
        while len(trials := measured_trials(study, self.name)) != counted:
            counted = len(trials)
            self._note_truth(study, trials)

    def _note_truth(self, study: Study, trials: Sequence[FrozenTrial]) -> None:
        """Notes what the estimate is worth, and says when that turns the screen off or on."""
        noted = study.user_attrs.get(TRUTH, {})
        noted = noted if noted.get("estimate") == self.name else {}
        found, off = self._judged(study, trials)
        was_off = noted.get("off") is not None
        if off is not None and not was_off:
            _logger.warning(f"The screen by {self.name} is turned off: {off}.")
        elif was_off and off is None:
            own = found.coefficients[self.name]
            _logger.info(f"The screen by {self.name} is on: {own}, {found.trials} trials.")
        told = {
            "estimate": self.name,
            "objective": self.objective,
            "trials": found.trials,
            "spearman": {n: [c.spearman, c.low, c.high] for n, c in found.coefficients.items()},
            "off": off,
        }
        if found.trials and told != noted:
            study.set_user_attr(TRUTH, told)

    def _judged(self, study: Study, trials: Sequence[FrozenTrial]) -> tuple[Truth, str | None]:
        """What the estimate is worth, and what speaks against it, now or when last judged."""
        found = truth_of(study, trials, self.name, self.objective)
        if found.trials < self.first:
            return found, None
        # After every trial anew, chance alone would find one day that noise is right.
        last = self.first * 2 ** int(math.log2(found.trials / self.first))
        judged = truth_of(study, trials[:last], self.name, self.objective)
        return found, self._against(judged) or self._against(found)

    def _against(self, found: Truth) -> str | None:
        own, parameters = found.coefficients[self.name], found.coefficients.get("parameters")
        among = f"its rank correlation with {found.trials} trials is {own}"
        if own.low <= 0:
            return f"{among}, which is not above zero"
        if parameters is not None and own.high < parameters.spearman:
            return f"{among}, below that of the parameter count, {parameters}"
        return None

    def _is_let_through(self, study: Study, number: int) -> bool:
        seed = study.user_attrs.get(SEED, 0)
        return bool(generator(seed, number, "screen").random() < self.unscreened)

    def _seen(self, score: float, module: nn.Module, example: Any, chosen: bool) -> dict[str, Any]:
        return {
            "estimate": self.name,
            "score": None if math.isinf(score) else score,
            "parameters": Parameters().measure(module),
            "flops": _flops(module, example),
            "chosen": chosen,
        }

    def _limit(self, study: Study) -> float:
        """The quantile of the scores of all candidates, trained or not."""
        trials = study.get_trials(deepcopy=False)  # the cache may not know this one's score
        seen = [trial.user_attrs.get(SCREEN, {}) for trial in trials]
        scores = [as_number(one["score"]) for one in seen if one.get("estimate") == self.name]
        return float(np.quantile(scores, self.quantile, method="lower"))


@contextmanager
def measured(screen: Screen | None, trial: SampledTrial) -> Iterator[None]:
    """Lets a screen note what it is worth, once a trial has come to its values or is pruned.

    Args:
        screen:
            A screen or None.
        trial:
            The candidate's.
    """
    try:
        yield
    except optuna.TrialPruned:
        if screen is not None:
            screen.note(trial)
        raise
    if screen is not None:
        screen.note(trial)


def checked_screen(screen: Any) -> Screen | None:
    """What an objective was given as its screen.

    Args:
        screen:
            A screen or None.

    Raises:
        TypeError:
            If it is something else.
    """
    if screen is not None and not isinstance(screen, Screen):
        raise TypeError(
            "screen must be a Screen, Screen(Proxy(naswot, batch), quantile=0.5), but is "
            f"{screen!r} ({type(screen).__name__})."
        )
    return screen


def _flops(module: nn.Module, example: Any) -> float | None:
    if example is None:
        return None
    try:
        return Flops(example).measure(module)
    except (*CANNOT_BE_BUILT, IndexError, TypeError):  # nor copied; no reason not to train
        return None
