"""What all our Plotly figures have in common: their frame, their colours, and text that is text.

Plotly reads some HTML, and TeX, in names and hovers; what comes from a study is escaped first.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any
from typing import TYPE_CHECKING

import numpy as np
from optuna.study import Study
from optuna.trial import FrozenTrial
from optuna.trial import TrialState

from optuna_nas.study._names import metric_names


if TYPE_CHECKING:
    from plotly.graph_objects import Figure


COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe and Ito's, which colour-blind people tell apart; but for yellow, which nobody sees."""

GREY = "#999999"
SCALE = "Viridis"
"""Of scores, where colour is one."""

MARKUP = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "$": "&#36;"})
NOTES = "optuna_nas:notes"
"""In the figure's ``layout.meta``."""

ABOVE, LINE = 45, 20
"""Pixels above the picture, for the legend and for each line of the title."""

FAR = 3.0
WIDE = 60
"""Letters in a line of a hover."""

SHOWN = 12
"""Lines of a hover; what is more is counted."""


def names_for(study: Study, objective: int) -> list[str]:
    """The names of a study's objectives, of which one is to be drawn.

    Args:
        study:
            Any.
        objective:
            Which one, by its index.

    Raises:
        ValueError:
            If the study has no such objective.
    """
    names = metric_names(study)
    if not 0 <= objective < len(names):
        raise ValueError(
            f"objective must be at least 0 and below {len(names)}, the number of objectives of "
            f"study {study.study_name!r}, but is {objective!r}."
        )
    return names


def escaped(text: object) -> str:
    """Text that Plotly shows as it is.

    Args:
        text:
            Anything; of what is no text, its text.
    """
    return str(text).translate(MARKUP)


def chart(
    go: Any, traces: Iterable[Any], title: str, notes: Sequence[str] = (), **layout: Any
) -> Figure:
    """A figure in the house's frame.

    Args:
        go:
            ``plotly.graph_objects``.
        traces:
            What is drawn.
        title:
            Escaped already.
        notes:
            Plain text, a line each below the title; :func:`notes_of` gives them back, for a
            picture that has a caption in place of a title.
        **layout:
            What else Plotly's layout has.
    """
    title = "<br>".join([title, *map(escaped, notes)])
    frame = {
        "title": {"text": title, "y": 1, "yanchor": "top", "pad": {"t": 14}, "font": {"size": 15}},
        "margin": {"t": ABOVE + LINE * (title.count("<br>") + 1), "b": 60},
        "legend": {"orientation": "h", "y": 1.01, "yanchor": "bottom", "x": 0},
        "template": "plotly_white",
        "meta": {NOTES: list(notes)},
    }
    return go.Figure(list(traces), {**frame, **layout})


def notes_of(figure: Figure) -> list[str]:
    """The notes of a figure, as plain text.

    Args:
        figure:
            That :func:`chart` made.
    """
    return list(figure.layout.meta[NOTES])


def blank(go: Any, title: str, why: str) -> Figure:
    """A figure without data that says why.

    Args:
        go:
            ``plotly.graph_objects``.
        title:
            Escaped already.
        why:
            Any text.
    """
    figure = chart(go, [], title, xaxis={"visible": False}, yaxis={"visible": False})
    figure.add_annotation(
        text=escaped(why), x=0.5, y=0.5, xref="paper", yref="paper", showarrow=False
    )
    return figure


def axis(title: str, **options: Any) -> dict[str, Any]:
    """An axis with a title.

    Args:
        title:
            Escaped already.
        **options:
            What else Plotly's axis has.
    """
    return {"title": {"text": title}, "zeroline": False, **options}


def fenced(values: Sequence[float]) -> tuple[float, float]:
    """The range of values without those far from all others (Tukey 1977): 3 interquartile ranges.

    Args:
        values:
            Finite ones, at least one.
    """
    found = np.asarray(values, dtype=float)
    low, high = np.quantile(found, [0.25, 0.75])
    far = FAR * (high - low)
    if far == 0:
        return float(found.min()), float(found.max())
    inside = found[(found >= low - far) & (found <= high + far)]
    return float(inside.min()), float(inside.max())


def widened(low: float, high: float) -> list[float]:
    """A range with a margin at both ends.

    Args:
        low:
            Where it begins.
        high:
            Where it ends.
    """
    margin = 0.06 * (high - low) or 0.05 * abs(high) or 1.0
    return [low - margin, high + margin]


def hover(trial: FrozenTrial, values: Mapping[str, str] | Sequence[str] = ()) -> str:
    """A trial in some lines: its number, what it came to, its decisions.

    Args:
        trial:
            Of any state.
        values:
            The objectives' names; or by name what is said of each, in place of its value.
    """
    if not isinstance(values, Mapping):
        told = trial.values if trial.state == TrialState.COMPLETE else None
        values = {name: f"{value:.6g}" for name, value in zip(values, told or (), strict=False)}
    lines = [f"trial {trial.number}", *(f"{name}: {value}" for name, value in values.items())]
    lines += _packed([f"{name} = {value}" for name, value in trial.params.items()])
    if "rejected" in trial.user_attrs:
        lines.append(f"rejected: {str(trial.user_attrs['rejected'])[:WIDE]}")
    return "<br>".join(map(escaped, lines))


def _packed(parts: Sequence[str]) -> list[str]:
    """A line each; if these are too many, as many to a line as fit."""
    lines: list[str] = []
    for part in parts:
        fits = lines and len(parts) > SHOWN and len(lines[-1]) + len(part) + 2 <= WIDE
        if fits:
            lines[-1] += f", {part}"
        else:
            lines.append(part)
    more = len(lines) - SHOWN
    return lines if more <= 0 else [*lines[:SHOWN], f"... and {more} lines more"]
