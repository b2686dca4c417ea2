"""``plot_anytime``: the best so far, against what was spent to find it."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any
from typing import get_args
from typing import TYPE_CHECKING
from typing import TypeAlias

import numpy as np
from optuna.study import Study
from optuna.study import StudyDirection

from optuna_nas.study import metric_names
from optuna_nas.study._progress import Band
from optuna_nas.study._progress import band
from optuna_nas.study._progress import progress
from optuna_nas.study._progress import Spent
from optuna_nas.study._progress import worst_values
from optuna_nas.study._text_table import texts
from optuna_nas.visualization._chart import axis
from optuna_nas.visualization._chart import blank
from optuna_nas.visualization._chart import chart
from optuna_nas.visualization._chart import COLOURS
from optuna_nas.visualization._chart import escaped
from optuna_nas.visualization._chart import GREY
from optuna_nas.visualization._chart import widened
from optuna_nas.visualization._plotly import graph_objects


if TYPE_CHECKING:
    from plotly.graph_objects import Figure


Searches: TypeAlias = Study | Sequence[Study]
"""A study, or studies that differ in their seed."""

UNITS = {
    "trials": "Trials that ended",
    "seconds": "Seconds that the trials took, one after the other",
    "epochs": "Epochs of all trials",
}
CONTROL = "random"
EARLY = 0.05
"""Of all that was spent."""


def plot_anytime(
    studies: Searches | Mapping[str, Searches],
    *,
    x: Spent = "trials",
    control: Searches | None = None,
    reference: Sequence[float] | None = None,
) -> Figure:
    """Plots the best value so far, or with several objectives the hypervolume.

    Of several studies it is their mean, as far as each has a value, with a band of one standard
    deviation. Only complete trials that break no constraint count; what the others took does too.
    The axis leaves out what is worse than the worst search was after a twentieth of it all.

    Example:

        .. code-block:: python

            plot_anytime({"evolution": evolved, "TPE": [a, b, c]}, control=[d, e, f]).show()

    Args:
        studies:
            A study, or several of the same search with other seeds; or by name what is compared.
        x:
            ``"trials"`` that ended, whatever became of them; ``"seconds"`` that they took
            together, without pauses, as if one worker did them all; or ``"epochs"`` that they
            trained, from the user attr ``epochs`` or the last step reported.
        control:
            Random search, drawn in grey.
        reference:
            With several objectives, of the hypervolume, as for
            :func:`optuna_nas.study.hypervolume`; by default the worst value of all in each.

    Returns:
        A figure; empty, and saying so, if no trial has a value yet.

    Raises:
        TypeError:
            If something is given that is no study.
        ValueError:
            If there are no studies, they differ in their objectives, a reference does not fit,
            or ``x`` is another word or nothing that the trials tell.
        ImportError:
            If plotly is missing.
    """
    if x not in get_args(Spent):
        raise ValueError(f"x must be 'trials', 'seconds' or 'epochs', but is {x!r}.")
    groups = _groups(studies, control)
    first = _checked_alike([study for group in groups.values() for study in group])
    names = metric_names(first)
    go = graph_objects("plot_anytime")
    several = len(names) > 1
    if reference is not None and not several:
        raise ValueError(
            "reference is of a hypervolume, but the studies have one objective; leave it out."
        )
    point = reference
    if several and point is None:
        point = worst_values([study for group in groups.values() for study in group])
    bands = {
        name: band([progress(study, x, point) for study in group])
        for name, group in groups.items()
    }
    title = f"Hypervolume against {x}" if several else f"The best against {x}"
    if all(one is None for one in bands.values()):
        return blank(go, title, "No trial is complete and feasible yet.")
    traces: list[Any] = []
    for i, (name, one) in enumerate(bands.items()):
        is_control = control is not None and i == len(bands) - 1
        colour = GREY if is_control else COLOURS[i % len(COLOURS)]
        traces += _traces(go, name, one, colour, dash="dot" if is_control else "solid")
    y = _volume(names, point) if several and point is not None else _best(first, names[0])
    minimised = not several and first.direction == StudyDirection.MINIMIZE
    shown = _shown([one for one in bands.values() if one is not None], minimised)
    frame: dict[str, Any] = {"xaxis": axis(UNITS[x]), "yaxis": axis(y, range=shown)}
    return chart(go, traces, title, **frame, showlegend=len(traces) > 1)


def _shown(bands: Sequence[Band], minimised: bool) -> list[float]:
    """From what all had after a twentieth; the first bad guesses would flatten all else."""
    after = min(one.x[0] for one in bands) + EARLY * (max(one.x[-1] for one in bands))
    sign = -1.0 if minimised else 1.0
    early = [one.mean[max(0, np.searchsorted(one.x, after, side="right") - 1)] for one in bands]
    low = min(sign * value for value in early)
    high = max((sign * one.mean + one.deviation).max() for one in bands)
    return sorted(sign * end for end in widened(low, high))


def _best(study: Study, name: str) -> str:
    better = "higher" if study.direction.name == "MAXIMIZE" else "lower"
    return f"Best {escaped(name)} so far ({better} is better)"


def _volume(names: Sequence[str], point: Sequence[float]) -> str:
    told = ", ".join(f"{n} {texts([v])[0]}" for n, v in zip(names, point, strict=True))
    return f"Hypervolume (higher is better)<br>from {escaped(told)}"


def _groups(studies: Any, control: Any) -> dict[str, list[Study]]:
    if isinstance(studies, Mapping):
        groups = {
            str(name): _listed(given, f"studies[{name!r}]") for name, given in studies.items()
        }
    else:
        group = _listed(studies, "studies")
        groups = {group[0].study_name if len(group) == 1 else "search": group} if group else {}
    if not groups:
        raise ValueError("studies is empty; give at least one.")
    if control is not None:
        taken = CONTROL in groups
        groups["random, the control" if taken else CONTROL] = _listed(control, "control")
    return groups


def _listed(given: Any, argument: str) -> list[Study]:
    studies = [given] if isinstance(given, Study) else given
    if not isinstance(studies, Sequence) or not all(isinstance(one, Study) for one in studies):
        raise TypeError(
            f"{argument} must be a study or a list of studies, but is {given!r} "
            f"({type(given).__name__})."
        )
    if not studies:
        raise ValueError(f"{argument} is an empty list; give at least one study.")
    return list(studies)


def _checked_alike(studies: Sequence[Study]) -> Study:
    first = studies[0]
    for study in studies[1:]:
        if study.directions != first.directions:
            of = [[d.name.lower() for d in one.directions] for one in (first, study)]
            raise ValueError(
                f"studies must have the same objectives, but {first.study_name!r} has directions "
                f"{of[0]} and {study.study_name!r} has {of[1]}."
            )
    return first


def _traces(go: Any, name: str, one: Band | None, colour: str, *, dash: str) -> list[Any]:
    label = escaped(name)
    line = {"color": colour, "width": 2, "shape": "hv", "dash": dash}
    if one is None:
        empty = f"{label} (nothing yet)"
        return [go.Scatter(x=[None], y=[None], mode="lines", line=line, name=empty)]
    if one.of > 1:
        label += f" (mean of {one.of} ± deviation)"
    if one.without:
        label += f" ({one.without} more without a value)"
    traces = [go.Scatter(x=one.x, y=one.mean, mode="lines", line=line, name=label)]
    if one.of > 1:
        x, low = _stepped(one.x, one.mean - one.deviation)
        _, high = _stepped(one.x, one.mean + one.deviation)
        shade = {
            "fill": "toself",
            "fillcolor": colour,
            "opacity": 0.18,
            "line": {"width": 0},
            "mode": "lines",
            "hoverinfo": "skip",
            "showlegend": False,
        }
        xs, ys = np.concatenate([x, x[::-1]]), np.concatenate([low, high[::-1]])
        traces.insert(0, go.Scatter(x=xs, y=ys, **shade))
    return traces


def _stepped(x: Any, y: Any) -> tuple[Any, Any]:
    """The corners of a curve of steps."""
    return np.repeat(x, 2)[1:], np.repeat(y, 2)[:-1]
