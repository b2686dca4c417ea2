"""``plot_latency``: what a latency table predicts against what was measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optuna_nas.metrics import LatencyTable
from optuna_nas.metrics._latency_fit import FEWEST
from optuna_nas.metrics._latency_fit import left_out
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


def plot_latency(table: LatencyTable) -> Figure:
    """Plots the networks that a table was learned on, each predicted from the others.

    On the dashed line a prediction is exact. The title has Spearman's rank correlation with its
    95 % interval, and how far predictions are off; the numbers are those of ``table.error``.

    Example:

        .. code-block:: python

            plot_latency(LatencyTable.load("pixel3.json")).show()

    Args:
        table:
            With at least 8 whole networks.

    Returns:
        A figure; empty, and saying so, if the table has fewer.

    Raises:
        TypeError:
            If it is no :class:`optuna_nas.metrics.LatencyTable`.
        ImportError:
            If plotly is missing.
    """
    if not isinstance(table, LatencyTable):
        raise TypeError(
            f"table must be a LatencyTable, but is {table!r} ({type(table).__name__})."
        )
    go = graph_objects("plot_latency")
    title = f"{escaped(table.name)} of {escaped(table.conditions)}"
    networks, error = table.networks, table.error
    if error is None:
        why = f"The table has {len(networks)} whole networks to compare with; it takes {FEWEST}."
        return blank(go, title, why)
    predicted = left_out(networks)
    measured = [network.measured_ms for network in networks]
    ends = [min(*predicted, *measured), max(*predicted, *measured)]
    line = go.Scatter(
        x=ends,
        y=ends,
        mode="lines",
        line={"color": GREY, "width": 1, "dash": "dash"},
        hoverinfo="skip",
        name="exact",
    )
    dots = go.Scatter(
        x=predicted,
        y=measured,
        mode="markers",
        marker={"color": COLOURS[0], "size": 8},
        hovertext=[
            f"{n.blocks} blocks<br>predicted {p:.4g} ms<br>measured {n.measured_ms:.4g} ms"
            for n, p in zip(networks, predicted, strict=True)
        ],
        hoverinfo="text",
        name="network, left out",
    )
    note = (
        f"Spearman {error.spearman:.3f} ({error.low:.3f} to {error.high:.3f})<br>half within "
        f"{100 * error.median_relative:.1f} %, nine in ten within {100 * error.p90_relative:.1f} %"
    )
    return chart(
        go,
        [line, dots],
        f"{title}<br>{note}",
        xaxis=axis("Predicted (ms)", range=widened(*ends)),
        yaxis=axis("Measured (ms)", range=widened(*ends)),
    )
