"""``plot_rungs``: the curves of all trials, and where they were stopped."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any
from typing import TYPE_CHECKING

from optuna.study import Study
from optuna.trial import FrozenTrial
from optuna.trial import TrialState

from optuna_nas.pruners import reports
from optuna_nas.visualization._chart import axis
from optuna_nas.visualization._chart import chart
from optuna_nas.visualization._chart import escaped
from optuna_nas.visualization._chart import hover
from optuna_nas.visualization._chart import names_for
from optuna_nas.visualization._plotly import graph_objects


if TYPE_CHECKING:
    from plotly.graph_objects import Figure


KINDS = {
    TrialState.COMPLETE: ("trained to the end", "#0072B2", "circle"),
    TrialState.PRUNED: ("stopped early", "#999999", "x"),
    TrialState.RUNNING: ("running", "#009E73", "circle-open"),
    TrialState.FAIL: ("failed", "#D55E00", "triangle-up"),
}
"""Name, colour (Okabe and Ito's, which colour-blind people tell apart) and mark of a curve."""


def plot_rungs(study: Study, *, objective: int = 0) -> Figure:
    """Plots what the trials reported, step by step, with a mark where each ended.

    Optuna's ``plot_intermediate_values`` is for one objective; this is for several too.

    Example:

        .. code-block:: python

            optuna_nas.visualization.plot_rungs(study).show()

    Args:
        study:
            Any study; trials that reported nothing are left out.
        objective:
            Which one, by its index.

    Returns:
        A figure, empty if no trial has reported.

    Raises:
        ValueError:
            If the study has no such objective.
        ImportError:
            If plotly is missing.
    """
    names = names_for(study, objective)
    go = graph_objects("plot_rungs")
    curves: dict[TrialState, list[tuple[FrozenTrial, Mapping[int, float]]]]
    curves = {state: [] for state in KINDS}
    for trial in study.get_trials(deepcopy=False, states=tuple(KINDS)):
        if curve := _curve(trial, objective, len(names)):
            curves[trial.state].append((trial, curve))
    shown = [(state, drawn) for state, drawn in curves.items() if drawn]
    traces = [trace for state, drawn in shown for trace in _traces(go, state, drawn)]
    title = "Curves, and where they ended"
    y = axis(escaped(names[objective]))
    return chart(go, traces, title, xaxis=axis("Step"), yaxis=y)


def _curve(trial: FrozenTrial, objective: int, objectives: int) -> dict[int, float]:
    told = {step: values[objective] for step, values in reports(trial, objectives).items()}
    return {step: value for step, value in told.items() if value is not None}


def _traces(
    go: Any, state: TrialState, drawn: Sequence[tuple[FrozenTrial, Mapping[int, float]]]
) -> list[Any]:
    """All curves of a kind as one line with gaps, so that large studies stay light; their ends."""
    name, colour, symbol = KINDS[state]
    x: list[int | None] = []
    y: list[float | None] = []
    for _, curve in drawn:
        x += [*curve, None]
        y += [*curve.values(), None]
    ends = [max(curve) for _, curve in drawn]
    lines = {"color": colour, "width": 1}
    return [
        go.Scatter(
            x=x,
            y=y,
            mode="lines",
            line=lines,
            opacity=0.45,
            hoverinfo="skip",
            legendgroup=name,
            showlegend=False,
        ),
        go.Scatter(
            x=ends,
            y=[curve[end] for end, (_, curve) in zip(ends, drawn, strict=True)],
            mode="markers",
            marker={"color": colour, "symbol": symbol, "size": 7},
            hovertext=[_hover(trial, curve) for trial, curve in drawn],
            hoverinfo="text",
            legendgroup=name,
            name=name,
        ),
    ]


def _hover(trial: FrozenTrial, curve: Mapping[int, float]) -> str:
    end = max(curve)
    number, *rest = hover(trial).split("<br>")
    return "<br>".join([number, f"step {end}: {curve[end]:.6g}", *rest])
