"""``plot_cell``: the cells that decisions describe, as papers draw them."""

from __future__ import annotations

from collections.abc import Mapping
import re
from typing import Any

from optuna_nas.visualization._drawing import Drawing
from optuna_nas.visualization._graph import Arrow
from optuna_nas.visualization._graph import Box
from optuna_nas.visualization._graph import Diagram
from optuna_nas.visualization._graph import Line
from optuna_nas.visualization._page import page
from optuna_nas.visualization._params import params_of
from optuna_nas.visualization._style import all_boxes
from optuna_nas.visualization._style import style_of


EDGE = re.compile(r"(?:(.*)/)?(\d+)>(\d+)")
NODE = re.compile(r"(?:(.*)/)?node(\d+)")
BEFORE = ("cₖ₋₂", "cₖ₋₁")
"""What papers call the outputs of the two cells before."""

KINDS_BY_NAME = {"conv": "convolution", "pool": "pooling", "motif": "cell"}


def plot_cell(params: Any, *, title: str = "Cells", dark: bool = False) -> Drawing:
    """Draws cells with their nodes and an operation on each edge, without building a network.

    It reads names: ``0>3`` is the operation on the edge from node 0 to node 3, and ``node3``, if
    there is one, says which inputs node 3 takes (``"0+2"``); ``normal/0>3`` belongs to a cell
    called ``normal``. So it draws what ``DARTS``, ``NASBench201`` and ``Hierarchical`` decide,
    and spaces that use the same names. With ``node`` decisions, cells are drawn as those of DARTS
    (Liu et al. 2019, figures 4 and 5): inputs cₖ₋₂ and cₖ₋₁, nodes from 0, output cₖ. Edges of
    ``"none"`` are left out.

    Args:
        params:
            The decisions, a dict, or a trial; other names are passed over.
        title:
            What stands above.
        dark:
            Whether to draw on a dark background.

    Returns:
        A drawing with ``.svg`` and ``.save("x.svg")`` or ``.save("x.png")``.

    Raises:
        TypeError:
            If ``params`` is something else.
        ValueError:
            If no name is an edge's, or the operation of an edge that is taken is missing.
    """
    params = params_of(params, "plot_cell")
    cells: dict[str, dict[tuple[int, int], str]] = {}
    for name, value in params.items():
        if found := EDGE.fullmatch(name):
            cell = cells.setdefault(found[1] or "", {})
            cell[int(found[2]), int(found[3])] = str(value)
    if not cells:
        raise ValueError(
            "plot_cell draws decisions with names such as '0>3' or 'normal/0>3', from node 0 to "
            f"node 3, but params have {', '.join(map(repr, params)) or 'none'}. "
            "plot_architecture draws any network."
        )
    diagrams = [_cell(params, name, edges) for name, edges in cells.items()]
    style = style_of(diagrams, 0.0, "operation", dark=dark)
    return page(diagrams, style, title=title, legend=style.legend(all_boxes(diagrams)))


def _cell(params: Mapping[str, Any], cell: str, edges: dict[tuple[int, int], str]) -> Diagram:
    takes = {
        int(found[2]): [int(i) for i in str(value).split("+")]
        for name, value in params.items()
        if (found := NODE.fullmatch(name)) and (found[1] or "") == cell
    }
    scope = f"{cell}/" if cell else ""
    if takes:
        taken = [(i, j) for j in sorted(takes) for i in takes[j]]
        missing = [f"{scope}{i}>{j}" for i, j in taken if (i, j) not in edges]
        if missing:
            raise ValueError(
                f"plot_cell: params lack {', '.join(map(repr, missing))}, the operation of an "
                "edge that is taken."
            )
        edges = {edge: edges[edge] for edge in taken}
    return _diagram(cell, edges, as_darts=bool(takes))


def _diagram(cell: str, edges: dict[tuple[int, int], str], *, as_darts: bool) -> Diagram:
    """Nodes in order, each after the operations on the edges to it."""
    last = max(j for _, j in edges)
    boxes: list[Box] = []
    arrows: list[Arrow] = []
    place: dict[int, int] = {}
    for j in range(last + 1):
        into = [(i, operation) for (i, to), operation in edges.items() if to == j]
        tails = []
        for i, operation in into:
            if operation != "none":
                arrows.append(Arrow(place[i], len(boxes)))
                tails.append(len(boxes))
                boxes.append(Box((Line(operation),), _kind(operation)))
        place[j] = len(boxes)
        arrows += [Arrow(tail, len(boxes)) for tail in tails]
        empty = bool(into) and not tails
        note = "zeros" if empty else ""
        boxes.append(Box((Line(_node(j, as_darts)),), "input", note=note, used=not empty))
    if as_darts:
        arrows += [Arrow(place[j], len(boxes)) for j in range(2, last + 1)]
        boxes.append(Box((Line("cₖ"),), "input", note="concat"))
    return Diagram(tuple(boxes), tuple(arrows), title=cell or "cell")


def _node(j: int, as_darts: bool) -> str:
    if not as_darts:
        return str(j)
    return BEFORE[j] if j < len(BEFORE) else str(j - len(BEFORE))


def _kind(operation: str) -> str:
    return next((kind for part, kind in KINDS_BY_NAME.items() if part in operation), "other")
