"""``rank_correlation``: what a cheap score is worth, by the trials that have a dear one too."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
from difflib import get_close_matches
import math
from numbers import Integral
from numbers import Real
from typing import Any
from typing import TypeAlias
import warnings

from optuna.study import Study
from optuna.trial import FrozenTrial
from optuna.trial import TrialState

from optuna_nas import oneshot
from optuna_nas._arguments import check_study
from optuna_nas._reports import reports_in
from optuna_nas.oneshot import RankCorrelation
from optuna_nas.samplers._draw import checked_seed
from optuna_nas.study._names import metric_names
from optuna_nas.study._truth_meter import check_objective


Score: TypeAlias = int | str | Callable[[FrozenTrial], float | None]
"""A step, the name of an objective, a user attr or a metric, or a function of a trial."""

FEWEST = 3


def rank_correlation(
    study: Study, low: Score, high: Score, *, objective: int = 0, seed: int = 0
) -> RankCorrelation:
    """How well one score of trials agrees with another on their order.

    For instance what was reported at a low fidelity with the value in the end; beside it belongs
    what costs nothing, the number of parameters. The intervals are percentiles of 1000 bootstrap
    samples of the trials, and say nothing of the noise in ``high``: train some twice to know it.

    Trials without one of the two are left out. Those that a pruner stopped have no ``high``, and
    they are those of which ``low`` thought least; the rest are more alike, and the coefficient is
    as a rule too low. A warning says how many. To measure a fidelity, let all trials
    finish (``pruner=None``), and propose them at random: the best of a search are alike too.

    Example:

        .. code-block:: python

            print(rank_correlation(study, 11, 100))
            print(rank_correlation(study, "parameters", "accuracy"))

    Args:
        study:
            Whose complete and pruned trials are looked at.
        low:
            An int is a step at which trials reported, a string the name of an objective, of a
            user attr or of a metric that :class:`optuna_nas.Objective` measured. Or a function of
            a trial that returns a number, or None if there is none.
        high:
            Likewise.
        objective:
            Of which a report counts, by its index.
        seed:
            Of the bootstrap.

    Raises:
        TypeError:
            If ``study`` is none, ``low`` or ``high`` is none of these, or a function gives
            something else.
        ValueError:
            If ``seed`` is no int of at least 0, if no trial has ``low`` or ``high``, if fewer than
            3 trials have both, or if one is the same in all.
    """
    check_study("study", study)
    seed = checked_seed(seed)
    check_objective(study, objective, "objective")
    states = (TrialState.COMPLETE, TrialState.PRUNED)
    trials = study.get_trials(deepcopy=False, states=states)
    lows = _scores("low", low, study, trials, objective)
    highs = _scores("high", high, study, trials, objective)
    both = sorted(lows.keys() & highs.keys())
    if len(both) < FEWEST:
        raise ValueError(
            f"at least {FEWEST} trials must have both low ({low!r}) and high ({high!r}), but "
            f"{len(both)} of {len(trials)} have."
        )
    for name, which, scores in (("low", low, lows), ("high", high, highs)):
        if len({scores[number] for number in both}) == 1:
            raise ValueError(
                f"{name} ({which!r}) is {scores[both[0]]:g} in all {len(both)} trials, which puts "
                "them in no order."
            )
    _warn_of_pruned(high, [t for t in trials if t.number in lows.keys() - highs.keys()])
    pairs = ([scores[number] for number in both] for scores in (lows, highs))
    return oneshot.rank_correlation(*pairs, seed=seed)


def _warn_of_pruned(high: Score, without: Sequence[FrozenTrial]) -> None:
    stopped = sum(trial.state == TrialState.PRUNED for trial in without)
    if stopped:
        warnings.warn(
            f"{stopped} pruned trials have no high ({high!r}) and are left out. The others are "
            "more alike, so the coefficient is as a rule too low: let all trials finish "
            "(pruner=None). Silence this with "
            "warnings.filterwarnings('ignore', message='.* pruned trials have no high').",
            stacklevel=3,
        )


def _scores(
    name: str, which: Score, study: Study, trials: Sequence[FrozenTrial], objective: int
) -> dict[int, float]:
    """What is known and finite, by the trial's number."""
    score = _function(name, which, study, trials, objective)
    found: dict[int, float] = {}
    for trial in trials:
        value = score(trial)
        if value is None:
            continue
        if not isinstance(value, Real):
            raise TypeError(
                f"{name} ({which!r}) must be a number or None, but is {value!r} in trial "
                f"{trial.number}."
            )
        if math.isfinite(value):
            found[trial.number] = float(value)
    return found


def _function(
    name: str, which: Score, study: Study, trials: Sequence[FrozenTrial], objective: int
) -> Callable[[FrozenTrial], Any]:
    if callable(which):
        return which
    if not isinstance(which, str | Integral) or isinstance(which, bool):
        raise TypeError(
            f"{name} must be a step, a name or a function of a trial, but is {which!r} "
            f"({type(which).__name__})."
        )
    if isinstance(which, str):
        told, what = [_named(study, trial) for trial in trials], "names"
    else:
        told, what = [_reported(study, trial, objective) for trial in trials], "steps"
    by_number = {trial.number: values for trial, values in zip(trials, told, strict=True)}
    legal = sorted({key for values in told for key, value in values.items() if _is_score(value)})
    if which not in legal:
        near = get_close_matches(which, legal, n=1) if isinstance(which, str) else []
        guess = f" Did you mean {near[0]!r}?" if near else ""
        raise ValueError(
            f"{name} is {which!r}, which none of {len(trials)} trials has; they have the {what} "
            f"{_listed(legal)}.{guess}"
        )
    return lambda trial: by_number[trial.number].get(which)


def _named(study: Study, trial: FrozenTrial) -> dict[str, Any]:
    values = dict(zip(metric_names(study), trial.values or (), strict=False))
    return {**trial.user_attrs.get("metrics", {}), **trial.user_attrs, **values}


def _reported(study: Study, trial: FrozenTrial, objective: int) -> dict[int, Any]:
    if len(study.directions) == 1:
        return dict(trial.intermediate_values)
    reports = reports_in(trial.user_attrs)
    return {step: values[objective] for step, values in reports.items()}


def _is_score(value: Any) -> bool:
    return isinstance(value, Real)


def _listed(legal: Sequence[Any]) -> str:
    """The first ten."""
    more = f" and {len(legal) - 10} more" if len(legal) > 10 else ""
    return ", ".join(map(repr, legal[:10])) + more if legal else "none"
