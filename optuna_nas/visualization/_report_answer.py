"""The answer of a report, in three sentences: what was found, against what, for how much."""

from __future__ import annotations

from collections.abc import Sequence

from optuna.trial import FrozenTrial
from optuna.trial import TrialState

from optuna_nas.study._front import knee_point
from optuna_nas.visualization._report_controls import compared
from optuna_nas.visualization._report_controls import verdicts
from optuna_nas.visualization._report_document import duration
from optuna_nas.visualization._report_document import number
from optuna_nas.visualization._report_search import epochs_of
from optuna_nas.visualization._report_search import Search
from optuna_nas.visualization._report_search import seconds_of
from optuna_nas.visualization._so_far import plural


def answer(search: Search) -> str:
    """Returns the three sentences.

    Args:
        search:
            What is reported on.
    """
    return " ".join([_found(search), _against(search), _took(search)])


def _found(search: Search) -> str:
    begun = sum(trial.state != TrialState.WAITING for trial in search.trials)
    tried = plural(begun, "trial")
    if not begun:
        return "Nothing was tried yet."
    if not search.best:
        return f"Of {tried}, none gave a network that was trained to the end within all limits."
    if not search.several:
        best = search.best[0]
        return (
            f"Of {tried}, trial {best.number} is the best: {_values(search, best)}"
            f"{_chosen(search)}."
        )
    if len(search.best) == 1:
        best = search.best[0]
        return (
            f"Of {tried}, one is better than all others: trial {best.number}, "
            f"{_values(search, best)}{_chosen(search)}."
        )
    first, last, knee = search.best[0], search.best[-1], knee_point(search.study)
    at = f"with the knee at {_values(search, knee)} (trial {knee.number})"
    if knee.number in (first.number, last.number):
        at = f"with the knee at trial {knee.number}"
    return (
        f"Of {tried}, {len(search.best)} are on the Pareto front, from {_values(search, first)} "
        f"(trial {first.number}) to {_values(search, last)} (trial {last.number}), {at}"
        f"{_chosen(search)}."
    )


def _chosen(search: Search) -> str:
    """Which of the finalists won, if they were trained again."""
    winner, metric = search.told("winner", "trial"), search.told("metric")
    mean = search.finalists[0].get("mean") if search.finalists else None
    if not isinstance(mean, float):
        return ""
    return f"; of those trained again, trial {winner} has the best mean {metric}, {number(mean)}"


def _against(search: Search) -> str:
    """On the test, if there was one; else against random search; the rest is below."""
    told: Sequence[str] = verdicts(search)
    if told:
        return told[0]
    found = compared(search)
    if found is None:
        return "It was held against no random search, so its worth is not known."
    if isinstance(found, str):
        return "Random search was run, but cannot be compared."
    verdict = found.differences[0].verdict.removesuffix(" Search with more seeds.")
    return f"{verdict[:1].upper()}{verdict[1:]}"


def _took(search: Search) -> str:
    epochs = epochs_of(search.trials)
    told = "" if epochs is None else f" and {plural(epochs, 'epoch')}"
    return f"The trials took {duration(seconds_of(search.trials))}{told}."


def _values(search: Search, trial: FrozenTrial) -> str:
    named = zip(search.names, trial.values, strict=True)
    return " with ".join(f"{name} {number(value)}" for name, value in named)
