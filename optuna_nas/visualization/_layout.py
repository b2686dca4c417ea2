"""``layout``: where boxes and arrows go, from top to bottom.

Layers by longest paths and few crossings by barycentres (Sugiyama, Tagawa and Toda 1981),
straight lines by a linear program (Gansner et al. 1993). Arrows of one tail share their way past
other layers, so a skip connection is one line. What is drawn has some thirty boxes; so each step
is plain, and none is fast.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.optimize import linprog


Point = tuple[float, float]

COLUMN_GAP = 22.0
ROW_GAP = 30.0
LANE = 10.0
"""The width of an arrow on its way past a layer."""

SWEEPS = 12


@dataclass(frozen=True)
class Layout:
    """Where things go; x to the right, y downwards, from 0.

    Args:
        corners:
            The upper left corner of each box.
        routes:
            For each arrow, where it begins, passes layers and ends.
        width:
            Of all.
        height:
            Of all.
    """

    corners: tuple[Point, ...]
    routes: tuple[tuple[Point, ...], ...]
    width: float
    height: float


def layout(sizes: Sequence[tuple[float, float]], arrows: Sequence[tuple[int, int]]) -> Layout:
    """Places boxes so that arrows point downwards and nothing overlaps.

    Args:
        sizes:
            Width and height of each box.
        arrows:
            From a box to one with a larger number.
    """
    rank = _ranks([width for width, _ in sizes], arrows)
    net = _Net(sizes, arrows, rank)
    _order(net)
    x = _columns(net)
    tops, heights = _rows(net)
    left = min(x[n] - net.widths[n] / 2 for n in x)
    x = {n: x[n] - left for n in x}
    corners = tuple(
        (x[n] - w / 2, tops[rank[n]] + (heights[rank[n]] - h) / 2)
        for n, (w, h) in enumerate(sizes)
    )
    routes = tuple(_route(net, a, x, corners, tops, heights) for a in range(len(arrows)))
    width = max(x[n] + net.widths[n] / 2 for n in x)
    return Layout(corners, routes, width, tops[-1] + heights[-1])


def _ranks(widths: Sequence[float], arrows: Sequence[tuple[int, int]]) -> list[int]:
    """The layer of each box: below all that lead to it, and where there is room."""
    rank = [0] * len(widths)
    for tail, head in sorted(arrows, key=lambda arrow: arrow[1]):
        rank[head] = max(rank[head], rank[tail] + 1)
    heads = {head for _, head in arrows}
    taken = [0.0] * (max(rank, default=0) + 1)
    for one, width in enumerate(widths):
        taken[rank[one]] += width
    for one in reversed(range(len(widths))):
        led_to = [rank[head] for tail, head in arrows if tail == one]
        if not led_to:
            continue
        taken[rank[one]] -= widths[one]
        if one in heads:
            free = range(rank[one], min(led_to))
            rank[one] = min(reversed(free), key=taken.__getitem__)
        else:
            rank[one] = min(led_to) - 1
        taken[rank[one]] += widths[one]
    return rank


class _Net:
    """Boxes and, where arrows pass layers, lanes; a lane's number is past those of the boxes.

    Args:
        sizes:
            Width and height of each box.
        arrows:
            From a box to a box.
        rank:
            The layer of each box.
    """

    def __init__(
        self,
        sizes: Sequence[tuple[float, float]],
        arrows: Sequence[tuple[int, int]],
        rank: Sequence[int],
    ) -> None:
        self.sizes, self.arrows = sizes, arrows
        self.widths: list[float] = [w for w, _ in sizes]
        self.layers: list[list[int]] = [[] for _ in range(max(rank, default=0) + 1)]
        self.links: dict[tuple[int, int], None] = {}
        lanes: dict[tuple[int, int], int] = {}
        for n, r in enumerate(rank):
            self.layers[r].append(n)
        self.ways: list[list[int]] = []
        for tail, head in arrows:
            way = [tail]
            for r in range(rank[tail] + 1, rank[head]):
                if (tail, r) not in lanes:
                    lanes[tail, r] = len(self.widths)
                    self.widths.append(LANE)
                    self.layers[r].append(lanes[tail, r])
                way.append(lanes[tail, r])
            self.ways.append([*way, head])
            self.links |= dict.fromkeys(zip(way, [*way[1:], head], strict=True))
        self.above: list[list[int]] = [[] for _ in self.widths]
        self.below: list[list[int]] = [[] for _ in self.widths]
        for upper, lower in self.links:
            self.above[lower].append(upper)
            self.below[upper].append(lower)

    def is_lane(self, n: int) -> bool:
        """Whether it is no box."""
        return n >= len(self.sizes)


def _order(net: _Net) -> None:
    """Sorts each layer so that few links cross."""
    best, fewest = [list(layer) for layer in net.layers], _crossings(net)
    for sweep in range(SWEEPS):
        down = sweep % 2 == 0
        neighbours = net.above if down else net.below
        for layer in net.layers[1:] if down else net.layers[-2::-1]:
            place = {n: i for some in net.layers for i, n in enumerate(some)}
            mean = {n: _mean([place[m] for m in neighbours[n]], place[n]) for n in layer}
            layer.sort(key=mean.__getitem__)
        crossings = _crossings(net)
        if crossings < fewest:
            best, fewest = [list(layer) for layer in net.layers], crossings
    net.layers[:] = best


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _crossings(net: _Net) -> int:
    place = {n: i for layer in net.layers for i, n in enumerate(layer)}
    total = 0
    for layer in net.layers:
        ends = [(place[n], place[m]) for n in layer for m in net.below[n]]
        total += sum((a < c) != (b < d) and a != c and b != d for a, b in ends for c, d in ends)
    return total // 2


def _columns(net: _Net) -> dict[int, float]:
    """The middle of each box and lane: as straight as the order allows, a linear program.

    As in Gansner et al. 1993, section 4.2, with soft wishes: to be in the middle of what is above,
    and of what is below.
    """
    n = len(net.widths)
    pulls: list[tuple[float, dict[int, float]]] = []
    for upper, lower in net.links:
        pulls.append((_weight(net, upper, lower), {upper: 1.0, lower: -1.0}))
    for one in range(n):
        for near in (net.above[one], net.below[one]):
            if len(near) > 1 and not net.is_lane(one):
                pulls.append((0.7, {one: 1.0} | dict.fromkeys(near, -1.0 / len(near))))
    apart = [(a, b) for layer in net.layers for a, b in pairwise(layer)]
    above = np.zeros((2 * len(pulls) + len(apart), n + len(pulls)))
    limits = np.zeros(len(above))
    for i, (_, terms) in enumerate(pulls):  # |terms| <= a variable of its own, which is minimised
        for sign, row in ((1.0, 2 * i), (-1.0, 2 * i + 1)):
            above[row, list(terms)] = [sign * factor for factor in terms.values()]
            above[row, n + i] = -1.0
    for row, (a, b) in enumerate(apart, start=2 * len(pulls)):
        above[row, [a, b]] = 1.0, -1.0
        limits[row] = -(net.widths[a] + net.widths[b]) / 2 - COLUMN_GAP
    costs = np.concatenate([np.zeros(n), [weight for weight, _ in pulls]])
    found = linprog(costs, above, limits, bounds=[(0, None)] * len(costs), method="highs")
    return {one: float(found.x[one]) for one in range(n)}


def _weight(net: _Net, upper: int, lower: int) -> float:
    """How much a link wants to be straight: long ones the most, ways past a box the least."""
    lanes = net.is_lane(upper) + net.is_lane(lower)
    return (3.0, 1.0, 8.0)[lanes]


def _rows(net: _Net) -> tuple[list[float], list[float]]:
    """The top and the height of each layer."""
    heights = [
        max((net.sizes[n][1] for n in layer if not net.is_lane(n)), default=0.0)
        for layer in net.layers
    ]
    tops = [sum(heights[:r]) + r * ROW_GAP for r in range(len(heights))]
    return tops, heights


def _route(
    net: _Net,
    arrow: int,
    x: Mapping[int, float],
    corners: Sequence[Point],
    tops: Sequence[float],
    heights: Sequence[float],
) -> tuple[Point, ...]:
    """It turns between layers only, and so crosses no box."""
    way = net.ways[arrow]
    row = {n: r for r, layer in enumerate(net.layers) for n in layer}
    tail, head = way[0], way[-1]
    points = [(x[tail], corners[tail][1] + net.sizes[tail][1])]
    for n in way:
        top = tops[row[n]]
        points += [(x[n], top)] * (n != tail) + [(x[n], top + heights[row[n]])] * (n != head)
    points.append((x[head], corners[head][1]))
    return tuple(dict.fromkeys(points))
