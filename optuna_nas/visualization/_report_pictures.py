"""The pictures of a report: what the best compute, and how the search went."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from collections.abc import Sequence
import math
from typing import Any

from optuna.trial import FrozenTrial
from optuna.trial import TrialState

from optuna_nas.study._front import knee_point
from optuna_nas.study._remembered_network import network_code
from optuna_nas.visualization._anytime import plot_anytime
from optuna_nas.visualization._architecture import plot_architecture
from optuna_nas.visualization._chart import notes_of
from optuna_nas.visualization._decisions import plot_decisions
from optuna_nas.visualization._front import plot_pareto_front
from optuna_nas.visualization._matplotlib import to_matplotlib
from optuna_nas.visualization._params import params_of
from optuna_nas.visualization._report_document import Code
from optuna_nas.visualization._report_document import number
from optuna_nas.visualization._report_document import Part
from optuna_nas.visualization._report_document import Picture
from optuna_nas.visualization._report_document import Text
from optuna_nas.visualization._report_search import Search
from optuna_nas.visualization._study_plots import proxies_plots
from optuna_nas.visualization._study_plots import rungs_plots


SHOWN = 12
"""Decisions in a plot; a space may have a hundred."""

ENOUGH = 10
"""Networks trained to the end, from which on the options of the best ones say something."""

BEST = 5
"""How many of them are the best ones; a tenth, if that is more."""


def drawings(search: Search) -> Iterator[Part]:
    """What the best compute, and the code that gives them.

    Args:
        search:
            What is reported on.
    """
    if not search.best:
        yield Text("There is no network to draw yet.")
        return
    if search.network is None:
        yield Text(
            "The study does not say what its network is, so nothing is drawn: give the report "
            "its search space as network."
        )
    else:
        for trial, role in picked(search).values():
            yield _drawing(search, trial, role)
    trial, _ = next(iter(picked(search).values()))
    known = network_code(search.network) or "...  # the search space of this study"
    params = "".join(f"    {n!r}: {v!r},\n" for n, v in params_of(trial, "report").items())
    yield Text(f"This gives the network of trial {trial.number}, with fresh weights:")
    yield Code(
        f"import optuna_nas\n\nnetwork = {known}\nparams = {{\n{params}}}\n"
        "module = optuna_nas.build(network, params)",
        "python",
    )


def curves(search: Search) -> Iterator[Part]:
    """The plots that have something to show.

    Args:
        search:
            What is reported on.
    """
    if not search.feasible:
        yield Text("There is nothing to plot before a network is trained to the end.")
        return
    try:
        for name, caption, figure in _figures(search):
            caption += "".join(f" ({note})" for note in notes_of(figure))
            figure.update_layout(title=None)  # the caption says it
            yield Picture(name, caption, to_matplotlib(figure))
    except ImportError as error:
        yield Text(f"There are no plots: {error}")
    if len(search.feasible) < ENOUGH and _most_asked(search.trials)[0]:
        yield Text(
            "Which options the best have is not drawn: that says something from about "
            f"{ENOUGH} networks trained to the end, and this search has {len(search.feasible)}."
        )


def picked(search: Search) -> dict[int, tuple[FrozenTrial, str]]:
    """Returns the trials that are drawn, by number, and why: of a front both ends and the knee.

    Args:
        search:
            With a best trial.
    """
    winner = search.told("winner", "trial")
    found = [(t, "the winner of the finalists") for t in search.trials if t.number == winner]
    if search.several:
        knee = "the knee of the front" if len(search.best) > 1 else "the front"
        found.append((knee_point(search.study), knee))
        ends = (search.best[0], search.best[-1])
        found += [(trial, "an end of the front") for trial in ends]
    else:
        found.append((search.best[0], "the best"))
    roles: dict[int, tuple[FrozenTrial, str]] = {}
    for trial, role in found:
        roles.setdefault(trial.number, (trial, role))
    return roles


def _drawing(search: Search, trial: FrozenTrial, role: str) -> Part:
    values = zip(search.names, trial.values or (), strict=False)
    told = ", ".join(f"{name} {number(value)}" for name, value in values)
    if search.finalists:
        told += " in the search"
    told += _again(search, trial)
    assert search.network is not None
    try:
        drawn = plot_architecture(
            search.network, trial, example=search.example, title=f"Trial {trial.number}"
        )
    except Exception as error:  # a network of the user's can fail in any way
        return Text(f"Trial {trial.number} cannot be drawn: {type(error).__name__}: {error}")
    caption = f"Trial {trial.number}, {role}: {told}"
    return Picture(f"trial-{trial.number}", caption, drawn)


def _again(search: Search, trial: FrozenTrial) -> str:
    """What a finalist came to when it was trained again."""
    means = [one.get("mean") for one in search.finalists if one.get("number") == trial.number]
    told = means[0] if means else None
    if not isinstance(told, float):
        return ""
    return f"; mean {search.names[0]} when trained again {number(told)}"


def _winner(search: Search) -> int | None:
    """The trial that the result says won, if the front can show it."""
    winner = search.told("winner", "trial")
    complete = (t for t in search.of(TrialState.COMPLETE) if all(map(math.isfinite, t.values)))
    return next((trial.number for trial in complete if trial.number == winner), None)


def _figures(search: Search) -> Iterator[tuple[str, str, Any]]:
    """With the name of the file and the caption."""
    study, control = search.study, list(search.controls) or None
    searches = {"this search": [study, *search.repeats]}
    found = "Hypervolume of the front" if search.several else f"The best {search.names[0]} so far"
    figure = plot_anytime(searches, control=control)
    yield "anytime", f"{found}, against the trials that ended", figure
    figure = plot_anytime(searches, control=control, x="seconds")
    yield "seconds", f"{found}, against the seconds that the trials took together", figure
    if search.several:
        caption = "The networks that were trained to the end, and the front"
        yield "front", caption, plot_pareto_front(study, chosen=_winner(search))
    for name, figure in rungs_plots(study):
        yield name, "What each trial reported, step by step, and where it ended", figure
    for name, figure in proxies_plots(study):
        yield name, "What the screen knew before training, and how right it was", figure
    asked, count = _most_asked(search.trials)
    if asked and len(search.feasible) >= ENOUGH:
        caption = "Which options the trials had, over time and, on the right, in the best of those"
        caption += " trained to the end"
        if len(asked) < count:
            caption += f"; {len(asked)} of {count} decisions, those asked most often"
        share = max(0.1, (BEST - 0.5) / len(search.feasible))  # rounded up there
        yield "decisions", caption, plot_decisions(study, params=asked, best=share)


def _most_asked(trials: Sequence[FrozenTrial]) -> tuple[list[str], int]:
    """The decisions with a choice that most trials were asked, and how many there are."""
    asked = Counter(
        name for t in trials for name, one in t.distributions.items() if not one.single()
    )
    shown = {name for name, _ in asked.most_common(SHOWN)}
    return [name for name in asked if name in shown], len(asked)
