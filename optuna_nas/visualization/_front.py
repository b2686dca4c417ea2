"""``plot_pareto_front``: what two objectives cost each other."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
import math
import re
from typing import Any
from typing import TYPE_CHECKING

from optuna.study import Study
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial
from optuna.trial import TrialState

from optuna_nas._ranking import parted
from optuna_nas.study import best_under
from optuna_nas.study import knee_point
from optuna_nas.study._costs import VIOLATIONS
from optuna_nas.study._front import front
from optuna_nas.study._pareto_table import interval_end
from optuna_nas.study._text_table import texts
from optuna_nas.visualization._chart import blank
from optuna_nas.visualization._chart import chart
from optuna_nas.visualization._chart import COLOURS
from optuna_nas.visualization._chart import escaped
from optuna_nas.visualization._chart import GREY
from optuna_nas.visualization._chart import hover
from optuna_nas.visualization._front_plane import axis_of
from optuna_nas.visualization._front_plane import beyond
from optuna_nas.visualization._front_plane import Plane
from optuna_nas.visualization._front_plane import plane_of
from optuna_nas.visualization._plotly import graph_objects


if TYPE_CHECKING:
    from plotly.graph_objects import Figure


BLUE, RED, GREEN = COLOURS[:3]
INK = COLOURS[-1]
LIMIT = re.compile(r"(.+) [<>]=? (\S+)", re.DOTALL)
"""The name of a constraint."""


def plot_pareto_front(
    study: Study,
    *,
    objectives: tuple[str, str] | None = None,
    limits: Mapping[str, float] | None = None,
    chosen: int | None = None,
) -> Figure:
    """Plots two objectives of all complete trials, with the front, its knee, and limits.

    Where the user attrs have the interval of a measurement, as :class:`metrics.Latency` leaves
    it, the front shows it. Of three objectives and more, the front is that of all of them, so
    that some of its trials seem worse than others here.

    Example:

        .. code-block:: python

            plot_pareto_front(study, limits={"latency_ms": 5}).show()

    Args:
        study:
            With two objectives or more.
        objectives:
            The names of the two that are drawn, x first; by default the first to minimise
            against the first other one.
        limits:
            As for :func:`optuna_nas.study.best_under`, whose trial gets a star. Limits of the two
            objectives are drawn, and so are those of the study's constraints.
        chosen:
            The number of the trial that was taken in the end, on the front or not; it gets a
            diamond.

    Returns:
        A figure; empty, and saying so, if no trial is complete.

    Raises:
        TypeError:
            If a limit is no number.
        ValueError:
            If the study has one objective, an objective or a limit has another name than there
            is, a limit is NaN, or ``chosen`` is no trial that can be drawn.
        ImportError:
            If plotly is missing.
    """
    plane = plane_of(study, objectives)
    go = graph_objects("plot_pareto_front")
    title = f"{escaped(plane.names[1])} against {escaped(plane.names[0])}"
    complete = [t for t in study.get_trials(deepcopy=False) if _is_drawn(t, plane)]
    taken = _taken(study, complete, chosen)
    if not complete:
        return blank(go, title, "No trial is complete yet.")
    best, notes = _within(study, limits or {})
    feasible, others = parted(complete, study.directions)
    broken = [trial for _, trial in others]
    first = front(study) if feasible else []
    numbers = {trial.number for trial in first}
    dominated = [trial for trial in feasible if trial.number not in numbers]
    cross = {"symbol": "x", "size": 7}
    traces = [_dots(go, broken, plane, "breaks a constraint", GREY, cross)] if broken else []
    if dominated:
        traces.append(_dots(go, dominated, plane, "dominated", COLOURS[5], {"size": 6}))
    lines = {**_constraint_limits(complete), **(limits or {})}
    traces += [_line(go, name, at, plane, complete) for name, at in _drawn(lines, plane)]
    if first:
        traces += _front(go, first, plane)
        ring = {"symbol": "circle-open", "size": 15, "line": {"width": 2}}
        traces.append(_dots(go, [knee_point(study)], plane, "knee", RED, ring))
    if best is not None:
        star = {"symbol": "star", "size": 14}
        traces.append(_dots(go, [best], plane, "best within the limits", GREEN, star))
    if taken:
        diamond = {"symbol": "diamond-open", "size": 20, "line": {"width": 2}}
        traces.append(_dots(go, taken, plane, "chosen", INK, diamond))
    drawn = dict(_drawn(lines, plane))
    x, y = (axis_of(plane, i, feasible or complete, [*first, *taken], drawn) for i in (0, 1))
    notes += beyond(complete, plane, x, y)
    return chart(go, traces, title, notes, xaxis=x, yaxis=y)


def _is_drawn(trial: FrozenTrial, plane: Plane) -> bool:
    if trial.state != TrialState.COMPLETE:
        return False
    return all(math.isfinite(trial.values[place]) for place in plane.places)


def _taken(study: Study, drawn: Sequence[FrozenTrial], chosen: int | None) -> list[FrozenTrial]:
    found = [trial for trial in drawn if trial.number == chosen]
    if chosen is not None and not found:
        raise ValueError(
            f"chosen must be the number of a complete trial of study {study.study_name!r} with "
            f"finite values, but is {chosen!r}."
        )
    return found


def _within(study: Study, limits: Mapping[str, float]) -> tuple[FrozenTrial | None, list[str]]:
    """The best within limits; if none is, a note that says so."""
    if not limits:
        return None, []
    try:
        return best_under(study, **limits), []
    except ValueError as error:
        if not str(error).startswith("none of"):
            raise
        return None, ["no trial is within the limits"]


def _constraint_limits(trials: Sequence[FrozenTrial]) -> dict[str, float]:
    """By metric, as the names of constraints have them: ``latency_ms <= 5``."""
    names = {name: None for t in trials for name in t.user_attrs.get(VIOLATIONS, {})}
    found = [match.groups() for name in names if (match := LIMIT.fullmatch(name))]
    return {metric: float(limit) for metric, limit in found}


def _drawn(limits: Mapping[str, float], plane: Plane) -> list[tuple[str, float]]:
    return [(n, at) for n, at in limits.items() if n in plane.names and math.isfinite(at)]


def _dots(
    go: Any,
    trials: Sequence[FrozenTrial],
    plane: Plane,
    name: str,
    colour: str,
    marker: Mapping[str, Any],
) -> Any:
    x, y = ([trial.values[place] for trial in trials] for place in plane.places)
    return go.Scatter(
        x=x,
        y=y,
        mode="markers",
        marker={"color": colour, **marker},
        hovertext=[hover(trial, _values(trial, plane)) for trial in trials],
        hoverinfo="text",
        name=name,
    )


def _front(go: Any, trials: Sequence[FrozenTrial], plane: Plane) -> list[Any]:
    """The trials of the front, and with two objectives the edge of what they dominate."""
    marks = _dots(go, trials, plane, "front", BLUE, {"size": 9})
    for letter, name, place in zip("xy", plane.names, plane.places, strict=True):
        if any(_interval(trial, name) for trial in trials):
            ends = [_interval(t, name) or (t.values[place], t.values[place]) for t in trials]
            values = [trial.values[place] for trial in trials]
            bars = {
                "type": "data",
                "symmetric": False,
                "array": [max(0.0, e[1] - v) for e, v in zip(ends, values, strict=True)],
                "arrayminus": [max(0.0, v - e[0]) for e, v in zip(ends, values, strict=True)],
                "thickness": 1,
                "width": 3,
                "color": INK,
            }
            marks[f"error_{letter}"] = bars
    if len(plane.all_names) > 2:
        return [marks]
    points = sorted(tuple(t.values[place] for place in plane.places) for t in trials)
    shape = "hv" if plane.directions[plane.places[0]] == StudyDirection.MINIMIZE else "vh"
    edge = go.Scatter(
        x=[x for x, _ in points],
        y=[y for _, y in points],
        mode="lines",
        line={"color": BLUE, "width": 1, "shape": shape},
        opacity=0.6,
        hoverinfo="skip",
        showlegend=False,
    )
    return [edge, marks]


def _line(go: Any, name: str, at: float, plane: Plane, trials: Sequence[FrozenTrial]) -> Any:
    """A limit, as long as the cloud of points is wide."""
    is_x = name == plane.names[0]
    other = [trial.values[plane.places[1 if is_x else 0]] for trial in trials]
    ends = [min(other), max(other)]
    x, y = ([at, at], ends) if is_x else (ends, [at, at])
    return go.Scatter(
        x=x,
        y=y,
        mode="lines",
        line={"color": INK, "width": 1, "dash": "dash"},
        name=f"limit: {escaped(name)} = {texts([at])[0]}",
        hoverinfo="name",
    )


def _interval(trial: FrozenTrial, name: str) -> tuple[float, float] | None:
    record = trial.user_attrs.get(name)
    if not isinstance(record, dict):
        return None
    low, high = interval_end(record, "low"), interval_end(record, "high")
    return None if low is None or high is None else (low, high)


def _values(trial: FrozenTrial, plane: Plane) -> dict[str, str]:
    told = {}
    for name, value in zip(plane.all_names, trial.values, strict=True):
        interval = _interval(trial, name)
        ends = f" ({interval[0]:.6g} to {interval[1]:.6g})" if interval else ""
        told[name] = f"{value:.6g}{ends}"
    return told
