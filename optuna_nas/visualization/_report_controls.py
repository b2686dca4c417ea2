"""What a search is held against in a report: random search, the network made by hand, others."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import fmean

from optuna.trial import TrialState
from scipy.stats import fisher_exact

from optuna_nas._ranking import parted
from optuna_nas.study._compare import compare
from optuna_nas.study._compare import Comparison
from optuna_nas.visualization._report_document import number
from optuna_nas.visualization._report_document import Part
from optuna_nas.visualization._report_document import table
from optuna_nas.visualization._report_document import Text
from optuna_nas.visualization._report_search import Search
from optuna_nas.visualization._so_far import plural


THIS, RANDOM = "this search", "random search"
SIGNIFICANT = 0.05

TESTED = {
    "chosen": "The network chosen",
    "random_search": "random search",
    "MLPClassifier": "scikit-learn's MLPClassifier",
    "MLPRegressor": "scikit-learn's MLPRegressor",
}
"""What was tested at the end of ``optuna-nas search``, as the result has it and in words."""


def controls(search: Search) -> Iterator[Part]:
    """What a search is held against, and whether a difference may be luck.

    Args:
        search:
            What is reported on.
    """
    parts = [*_searches(search), *_by_hand(search), *_tested(search)]
    if not parts:
        yield Text(
            "There is no control. Whether this search was worth its time is not known before "
            "random search of the same length, and a network made by hand, stand beside it."
        )
    yield from parts


def compared(search: Search) -> Comparison | str | None:
    """Returns how the search stands to random search; why that is not known; or None without one.

    Args:
        search:
            What is reported on.
    """
    if not search.controls:
        return None
    try:
        return compare({THIS: [search.study, *search.repeats], RANDOM: list(search.controls)})
    except ValueError as error:
        return str(error)


def verdicts(search: Search) -> list[str]:
    """Returns a sentence for each control that was tested on rows kept for the end.

    Args:
        search:
            What is reported on.
    """
    scores = _scores(search)
    if not scores:
        return []
    (name, found), *rest = scores.items()
    return [_verdict(search, name, found, other, score) for other, score in rest]


def _searches(search: Search) -> Iterator[Part]:
    found = compared(search)
    if found is None:
        return
    if isinstance(found, str):
        yield Text(f"Random search cannot be compared: {found}")
        return
    rows = [
        (one.name, len(one.scores), one.mean, one.deviation, " ".join(map(number, one.scores)))
        for one in found.methods
    ]
    yield table(("search", "runs", f"mean {found.measure}", "deviation", "each"), rows)
    for difference in found.differences:
        how = f" It is a {difference.test}." if difference.test else ""
        yield Text(f"{_sentence(difference.verdict)}{how}")
    yield from map(Text, found.notes)
    yield from _random_sampling(search)


def _random_sampling(search: Search) -> Iterator[Part]:
    """The mean of what random search tried, of the first objective."""
    values, others = [], 0
    for control in search.controls:
        trials = control.get_trials(deepcopy=False)
        complete = [trial for trial in trials if trial.state == TrialState.COMPLETE]
        feasible, _ = parted(complete, control.directions)
        values += [trial.values[0] for trial in feasible]
        others += len(trials) - len(feasible)
    if values:
        without = (
            f" The {others} that it gave up are not in it; they may be worse." if others else ""
        )
        yield Text(
            f"One random network has {search.names[0]} {number(fmean(values))} on average: the "
            f"mean of {plural(len(values), 'network')} that random search trained to the end."
            f"{without}"
        )


def _by_hand(search: Search) -> Iterator[Part]:
    """The default network, which a search may begin with."""
    for trial in search.feasible:
        if trial.user_attrs.get("origin") == "default":
            best, name = search.feasible[0], search.names[0]
            if best.number == trial.number:
                yield Text(f"The network made by hand, trial {trial.number}, was not beaten.")
                return
            yield Text(
                f"The network made by hand, trial {trial.number}, has {name} "
                f"{number(trial.values[0])}; trial {best.number} has {number(best.values[0])}. "
                "Each was trained once, so nothing follows from a small difference."
            )
            return


def _tested(search: Search) -> Iterator[Part]:
    scores = _scores(search)
    if not scores:
        return
    metric, rows = search.told("metric"), search.told("data", "rows", "test")
    yield Text(f"On the {rows} rows that were kept for the end, by which nothing was chosen:")
    yield table(("network", f"{metric}"), list(scores.items()))
    yield from map(Text, verdicts(search))


def _scores(search: Search) -> dict[str, float]:
    return {TESTED.get(key, key): score for key, score in search.numbers("test").items()}


def _verdict(search: Search, name: str, found: float, other: str, score: float) -> str:
    rows, metric = search.told("data", "rows", "test"), search.told("metric")
    if metric != "accuracy" or not isinstance(rows, int):
        return (
            f"{name} has {metric} {number(found)}, {other} {number(score)}; whether that is luck "
            "cannot be known from the scores."
        )
    wrong = [round((1 - one) * rows) for one in (found, score)]
    if wrong[0] == wrong[1]:
        return f"{name} and {other} are equally good on the test ({wrong[0]} of {rows} wrong)."
    (fewer, better), (more, worse) = sorted(zip(wrong, (name, other), strict=True))
    p = float(fisher_exact([[fewer, rows - fewer], [more, rows - more]])[1])
    shown = "is better than" if p < SIGNIFICANT else "is not shown to be better than"
    return (
        f"{_sentence(better)} {shown} {worse.replace('The ', 'the ', 1)} on the test ({fewer} "
        f"against {more} of {rows} rows wrong, Fisher's exact test: p = {p:.2g}; of these rows "
        "and this training only)."
    )


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
