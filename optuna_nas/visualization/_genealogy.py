"""``plot_genealogy``: who came from whom."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any
from typing import TYPE_CHECKING

from optuna.study import Study
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial
from optuna.trial import TrialState

from optuna_nas._ranking import costs
from optuna_nas._ranking import parted
from optuna_nas.samplers._planning import PLAN
from optuna_nas.samplers._planning import plan_of
from optuna_nas.visualization._chart import axis
from optuna_nas.visualization._chart import blank
from optuna_nas.visualization._chart import chart
from optuna_nas.visualization._chart import COLOURS
from optuna_nas.visualization._chart import escaped
from optuna_nas.visualization._chart import fenced
from optuna_nas.visualization._chart import GREY
from optuna_nas.visualization._chart import hover
from optuna_nas.visualization._chart import names_for
from optuna_nas.visualization._chart import SCALE
from optuna_nas.visualization._plotly import graph_objects


if TYPE_CHECKING:
    from plotly.graph_objects import Figure


WITHOUT = {
    TrialState.PRUNED: ("stopped early or rejected", "x"),
    TrialState.FAIL: ("failed", "triangle-up"),
    TrialState.RUNNING: ("running", "circle-open"),
    TrialState.WAITING: ("waiting", "circle-open"),
}
"""What trials without a value are called, and their mark."""


def plot_genealogy(study: Study, *, objective: int = 0) -> Figure:
    """Plots each trial by its number and its generation, with lines from parent to child.

    A trial that was drawn at random is of generation 0, a child one further than its furthest
    parent. The ancestors of the best trial are joined by a thick line.

    Example:

        .. code-block:: python

            plot_genealogy(study).show()

    Args:
        study:
            Of :class:`RegularizedEvolutionSampler`, :class:`LocalSearchSampler` or
            :class:`PredictorSampler`, which keep in each trial who its parents are.
        objective:
            Which one gives the colour, and the best trial, by its index.

    Returns:
        A figure; empty, and saying so, if the study has no trial.

    Raises:
        ValueError:
            If the study has trials, but none says whether it has parents; or no such objective.
        ImportError:
            If plotly is missing.
    """
    names = names_for(study, objective)
    go = graph_objects("plot_genealogy")
    trials = study.get_trials(deepcopy=False)
    title = "Who came from whom"
    if not trials:
        return blank(go, title, "The study has no trials yet.")
    if not any(PLAN in trial.system_attrs for trial in trials):
        raise ValueError(
            f"none of the {len(trials)} trials of study {study.study_name!r} says who its parents "
            "are; those of RegularizedEvolutionSampler, LocalSearchSampler and PredictorSampler "
            "do."
        )
    parents = {trial.number: _parents(trial, len(trials)) for trial in trials}
    generation: dict[int, int] = {}
    for number, those in parents.items():  # parents have lower numbers
        generation[number] = 1 + max((generation[other] for other in those), default=-1)
    edges = [(other, number) for number, those in parents.items() for other in those]
    traces = [_edges(go, edges, generation, GREY, 1, None)] if edges else []
    if line := _descent(trials, parents, study.directions, objective):
        traces.append(_edges(go, line, generation, COLOURS[1], 3, "descent of the best"))
    traces += _marks(go, trials, generation, objective, names)
    y = axis("Generation", tick0=0, dtick=1 + max(generation.values()) // 10)
    return chart(go, traces, title, xaxis=axis("Trial"), yaxis=y)


def _parents(trial: FrozenTrial, count: int) -> list[int]:
    return [other for other in plan_of(trial).parents if other < min(trial.number, count)]


def _descent(
    trials: Sequence[FrozenTrial],
    parents: Mapping[int, Sequence[int]],
    directions: Sequence[StudyDirection],
    objective: int,
) -> list[tuple[int, int]]:
    """From the best back along the parents that were mutated, who stand first."""
    complete = [trial for trial in trials if trial.state == TrialState.COMPLETE]
    feasible, _ = parted(complete, directions)
    if not feasible:
        return []
    number, line = feasible[int(costs(feasible, directions)[:, objective].argmin())].number, []
    while parents[number]:
        line.append((parents[number][0], number))
        number = parents[number][0]
    return line


def _edges(
    go: Any,
    edges: Sequence[tuple[int, int]],
    generation: Mapping[int, int],
    colour: str,
    width: int,
    name: str | None,
) -> Any:
    return go.Scatter(
        x=[place for a, b in edges for place in (a, b, None)],
        y=[place for a, b in edges for place in (generation[a], generation[b], None)],
        mode="lines",
        line={"color": colour, "width": width},
        opacity=0.5,
        hoverinfo="skip",
        name=name,
        showlegend=name is not None,
    )


def _marks(
    go: Any,
    trials: Sequence[FrozenTrial],
    generation: Mapping[int, int],
    objective: int,
    names: Sequence[str],
) -> list[Any]:
    traces = []
    for state, (name, symbol) in WITHOUT.items():
        those = [trial for trial in trials if trial.state == state]
        if those:
            marker = {"color": GREY, "symbol": symbol, "size": 8}
            traces.append(_dots(go, those, generation, names, marker, name))
    valued = [trial for trial in trials if trial.state == TrialState.COMPLETE]
    if valued:
        scores = [trial.values[objective] for trial in valued]
        low, high = fenced([score for score in scores if abs(score) < float("inf")] or [0.0])
        marker = {
            "color": scores,
            "colorscale": SCALE,
            "cmin": low,
            "cmax": high,
            "size": 9,
            "showscale": True,
            "colorbar": {"title": {"text": escaped(names[objective])}, "thickness": 12},
        }
        traces.append(_dots(go, valued, generation, names, marker, None))
    return traces


def _dots(
    go: Any,
    trials: Sequence[FrozenTrial],
    generation: Mapping[int, int],
    names: Sequence[str],
    marker: Mapping[str, Any],
    label: str | None,
) -> Any:
    return go.Scatter(
        x=[trial.number for trial in trials],
        y=[generation[trial.number] for trial in trials],
        mode="markers",
        marker=marker,
        hovertext=[hover(trial, names) + _made(trial) for trial in trials],
        hoverinfo="text",
        name=label,
        showlegend=label is not None,
    )


def _made(trial: FrozenTrial) -> str:
    """How it differs from its parents."""
    plan = plan_of(trial)
    if not plan.parents:
        return ""
    of = " and ".join(map(str, plan.parents))
    what = f", mutated in {plan.mutated}" if plan.mutated else ""
    return f"<br>child of {escaped(of)}{escaped(what)}"
