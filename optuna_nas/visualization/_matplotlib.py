"""``to_matplotlib``: the Matplotlib twin of each of our figures, for paper and for PNG files.

There is one twin for all: it reads the finished Plotly figure, of which our plots use lines,
markers, error bars, bands, bars and heatmaps.
"""

from __future__ import annotations

from html import unescape
from importlib import import_module
import math
import re
from typing import Any
from typing import TYPE_CHECKING

import numpy as np


if TYPE_CHECKING:
    from matplotlib.figure import Figure as MatplotlibFigure
    from plotly.graph_objects import Figure


PIXELS = 96
SIZE = (760, 460)
POINTS = 0.75
LARGE = 10_000
STEPS = {"hv": "steps-post", "vh": "steps-pre"}
DASHES = {"dot": (0, (1, 1.5)), "dash": (0, (5, 2)), "dashdot": (0, (5, 2, 1, 2))}
MARKS = {
    "circle": "o",
    "circle-open": "o",
    "x": "x",
    "triangle-up": "^",
    "star": "*",
    "diamond": "D",
    "diamond-open": "D",
}
TAG = re.compile(r"<(?!br>)[^>]*>")


def to_matplotlib(figure: Figure) -> MatplotlibFigure:
    """Returns the same picture as a Matplotlib figure.

    Example:

        .. code-block:: python

            to_matplotlib(plot_anytime(study)).savefig("anytime.png")

    Args:
        figure:
            Of one of our ``plot_*`` functions.

    Raises:
        ValueError:
            If it has a kind of trace that ours have not.
        ImportError:
            If Matplotlib is missing.
    """
    try:
        figures = import_module("matplotlib.figure")
    except ImportError as error:
        raise ImportError(
            'to_matplotlib needs matplotlib: pip install "optuna-nas[plot]".'
        ) from error
    layout = figure.layout
    width, height = layout.width or SIZE[0], layout.height or SIZE[1]
    twin: MatplotlibFigure = figures.Figure(
        figsize=(width / PIXELS, height / PIXELS), dpi=PIXELS, layout="constrained"
    )
    panels = _panels(twin, figure)
    for order, trace in enumerate(figure.data):
        if trace.type not in DRAWN:
            raise ValueError(
                f"to_matplotlib draws {', '.join(DRAWN)}, as our plots have them, but the figure "
                f"has a trace of type {trace.type!r}."
            )
        DRAWN[trace.type](panels[trace.xaxis or "x"], trace, order + 2)
    for name, panel in panels.items():
        if _is_whole(figure, name):
            panel.xaxis.get_major_locator().set_params(integer=True)
    if layout.title.text:
        twin.suptitle(_plain(layout.title.text), fontsize=11, x=0.02, ha="left", parse_math=False)
    for name, panel in panels.items():
        _dress(panel, layout["xaxis" + name[1:]], layout[_yaxis(figure, name)])
    for note in layout.annotations:
        twin.text(note.x, note.y, _plain(note.text), ha="center", va="center", parse_math=False)
    _add_legend(twin, figure, panels)
    return twin


def _plain(text: str) -> str:
    """What is read where Plotly's markup is not."""
    return unescape(TAG.sub("", text)).replace("<br>", "\n")


def _yaxis(figure: Figure, xaxis: str) -> str:
    anchor = figure.layout["xaxis" + xaxis[1:]].anchor or "y"
    return "yaxis" + anchor[1:]


def _panels(twin: MatplotlibFigure, figure: Figure) -> dict[str, Any]:
    """Axes by the name of Plotly's x-axis, side by side or one above another."""
    layout = figure.layout
    names = sorted({getattr(trace, "xaxis", None) or "x" for trace in figure.data} or {"x"})
    if len(names) == 1:
        return {names[0]: twin.add_subplot()}
    across = [layout["xaxis" + name[1:]].domain for name in names]
    if len({tuple(domain) for domain in across if domain}) > 1:
        widths = [high - low for low, high in across]
        shared = len({_yaxis(figure, name) for name in names}) == 1
        axes = twin.subplots(1, len(names), sharey=shared, width_ratios=widths)
        return dict(zip(names, axes, strict=True))
    domains = {name: layout[_yaxis(figure, name)].domain for name in names}
    order = sorted(names, key=lambda name: -domains[name][0])
    heights = [domains[name][1] - domains[name][0] for name in order]
    axes = twin.subplots(len(names), 1, sharex=True, height_ratios=heights)
    return dict(zip(order, axes, strict=True))


def _is_whole(figure: Figure, xaxis: str) -> bool:
    """Whether all that is drawn over an axis stands at whole numbers."""
    traces = [t for t in figure.data if t.type == "scatter" and (t.xaxis or "x") == xaxis]
    x = np.concatenate([np.zeros(0), *(_numbers(trace.x) for trace in traces)])
    known = x[np.isfinite(x)]
    return bool(traces) and bool((known == np.round(known)).all())


def _dress(panel: Any, xaxis: Any, yaxis: Any) -> None:
    """Titles, ticks and ranges."""
    for letter, one in (("x", xaxis), ("y", yaxis)):
        if one.visible is False:
            panel.set_axis_off()
            return
        along = getattr(panel, f"{letter}axis")
        if one.title.text:
            along.set_label_text(_plain(one.title.text), fontsize=9, parse_math=False)
        if one.type == "log":
            along._set_axes_scale("log")
        if one.tickvals is not None:
            along.set_ticks(list(one.tickvals))
            if one.ticktext is not None:
                texts = [_plain(str(text)) for text in one.ticktext]
                along.set_ticklabels(texts, parse_math=False)
        ticker = import_module("matplotlib.ticker")
        if one.dtick is not None:
            along.set_major_locator(ticker.MultipleLocator(one.dtick))
        if one.tickformat == ".0%":
            along.set_major_formatter(ticker.PercentFormatter(1, 0, symbol=" %"))
        if one.range is not None:
            ends = [10**end for end in one.range] if one.type == "log" else one.range
            getattr(panel, f"set_{letter}lim")(*ends)
        elif one.autorange == "reversed":
            along.set_inverted(True)
        plain = one.tickvals is None and one.tickformat is None and one.type != "log"
        if plain and max(map(abs, along.get_view_interval())) >= LARGE:
            along.set_major_formatter(ticker.EngFormatter(sep=""))  # 16k and 3M, as Plotly has
        along.set_tick_params(labelsize=8, length=0 if one.showgrid is False else 3)
        if letter == "x" and one.tickangle:
            along.set_tick_params(rotation=-one.tickangle)
        if one.showgrid is not False:
            panel.grid(axis=letter, color="#eeeeee", zorder=0)
    framed = yaxis.showgrid is not False
    panel.spines[["top", "right"]].set_visible(False)
    panel.spines[["left", "bottom"]].set_visible(framed)
    panel.set_axisbelow(True)


def _numbers(values: Any) -> Any:
    return np.array([math.nan if value is None else value for value in values], dtype=float)


def _scatter(panel: Any, trace: Any, order: int) -> None:
    x, y = _numbers(trace.x), _numbers(trace.y)
    mode, line = trace.mode or "lines", trace.line
    opacity = trace.opacity if trace.opacity is not None else 1.0
    shown = _plain(trace.name) if trace.name and trace.showlegend is not False else None
    if trace.fill == "toself":
        panel.fill(x, y, color=trace.fillcolor, alpha=opacity, linewidth=0, zorder=order)
        return
    label = {"label": shown or "_nolegend_"}
    if "lines" in mode:
        panel.plot(
            x,
            y,
            color=line.color,
            linewidth=(line.width or 2) * POINTS,
            linestyle=DASHES.get(line.dash, "-"),
            drawstyle=STEPS.get(line.shape, "default"),
            alpha=opacity,
            zorder=order,
            **label,
        )
        label = {"label": "_nolegend_"}
    if "markers" in mode:
        _markers(panel, x, y, trace, order, label)
    for text, at, up in zip(trace.text if "text" in mode else (), x, y, strict=False):
        where = {"xytext": (5, 5), "textcoords": "offset points", "parse_math": False}
        panel.annotate(_plain(text), (at, up), fontsize=8, zorder=order, **where)


def _markers(panel: Any, x: Any, y: Any, trace: Any, order: int, label: dict[str, str]) -> None:
    mark = trace.marker
    errors = {
        f"{letter}err": np.vstack([_numbers(bar.arrayminus), _numbers(bar.array)])
        for letter, bar in (("x", trace.error_x), ("y", trace.error_y))
        if bar.array is not None
    }
    if errors:
        panel.errorbar(
            x, y, **errors, fmt="none", ecolor="#000000", elinewidth=0.8, capsize=2, zorder=order
        )
    symbol = MARKS.get(mark.symbol or "circle", "o")
    open_ = "open" in (mark.symbol or "")
    options: dict[str, Any] = {"marker": symbol, "s": ((mark.size or 6) * POINTS) ** 2}
    scaled = not isinstance(mark.color, str) and mark.color is not None
    if scaled:
        options |= {"c": _numbers(mark.color), "cmap": _colours(mark.colorscale)}
        if mark.cmin is not None:
            options |= {"vmin": mark.cmin, "vmax": mark.cmax}
    elif open_:
        width = (mark.line.width or 1.2) * POINTS
        options |= {"facecolors": "none", "edgecolors": mark.color, "linewidths": width}
    else:
        options |= {"color": mark.color, "linewidths": 1 if symbol == "x" else 0}
    points = panel.scatter(x, y, zorder=order, alpha=trace.opacity, **options, **label)
    if scaled and mark.showscale:
        bar = panel.figure.colorbar(points, ax=panel, pad=0.01)
        bar.set_label(_plain(mark.colorbar.title.text or ""), fontsize=9, parse_math=False)
        bar.ax.tick_params(labelsize=8)


def _colours(scale: Any) -> Any:
    """Plotly's scale, of hex numbers or of ``rgb(0, 0, 0)``."""
    found = []
    for at, colour in scale:
        rgb = re.findall(r"\d+", colour) if colour.startswith("rgb") else None
        found.append((at, tuple(int(part) / 255 for part in rgb) if rgb else colour))
    return import_module("matplotlib.colors").LinearSegmentedColormap.from_list("scale", found)


def _bar(panel: Any, trace: Any, order: int) -> None:
    y, x = _numbers(trace.y), _numbers(trace.x)
    errors = None
    if trace.error_x.array is not None:
        errors = np.vstack([_numbers(trace.error_x.arrayminus), _numbers(trace.error_x.array)])
    panel.barh(
        y,
        x,
        height=0.7,
        color=trace.marker.color,
        xerr=errors,
        error_kw={"elinewidth": 1, "capsize": 2},
        zorder=order,
    )


def _heatmap(panel: Any, trace: Any, order: int) -> None:
    z = np.ma.masked_invalid([_numbers(row) for row in trace.z])
    x, y = _numbers(trace.x), _numbers(trace.y)
    edges = [np.concatenate([[v[0] - 0.5], (v[1:] + v[:-1]) / 2, [v[-1] + 0.5]]) for v in (x, y)]
    mesh = panel.pcolormesh(
        *edges, z, cmap=_colours(trace.colorscale), vmin=trace.zmin, vmax=trace.zmax, zorder=order
    )
    panel.set_xlim(edges[0][0], edges[0][-1])
    if trace.showscale is not False:
        bar = panel.figure.colorbar(mesh, ax=panel, pad=0.01)
        bar.set_label(_plain(trace.colorbar.title.text or ""), fontsize=9, parse_math=False)
        bar.ax.tick_params(labelsize=8)


DRAWN = {"scatter": _scatter, "bar": _bar, "heatmap": _heatmap}


def _add_legend(twin: MatplotlibFigure, figure: Figure, panels: dict[str, Any]) -> None:
    handles: list[Any] = []
    labels: list[str] = []
    for panel in panels.values():
        shown, texts = panel.get_legend_handles_labels()
        handles, labels = handles + shown, labels + texts
    if labels and figure.layout.showlegend is not False:
        legend = twin.legend(
            handles,
            labels,
            loc="outside lower left",
            ncols=min(3, len(labels)),
            fontsize=8,
            labelspacing=1,  # or large marks of two rows meet
        )
        legend.get_frame().set_linewidth(0)
        for text in legend.get_texts():
            text.set_parse_math(False)
