from __future__ import annotations

from itertools import combinations
from itertools import pairwise

from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from optuna_nas.visualization._layout import layout


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[tuple[float, float]], list[tuple[int, int]]]:
    n = draw(st.integers(1, 12))
    side = st.floats(10, 200)
    sizes = [(draw(side), draw(side)) for _ in range(n)]
    pairs = [(a, b) for a in range(n) for b in range(a + 1, n)]
    return sizes, draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []


@settings(max_examples=60)
@given(graphs())
def test_boxes_overlap_nowhere_and_arrows_point_downwards(
    graph: tuple[list[tuple[float, float]], list[tuple[int, int]]],
) -> None:
    sizes, arrows = graph
    placed = layout(sizes, arrows)
    boxes = [(x, y, x + w, y + h) for (x, y), (w, h) in zip(placed.corners, sizes, strict=True)]
    for a, b in combinations(boxes, 2):
        assert a[2] <= b[0] + 1e-6 or b[2] <= a[0] + 1e-6 or a[3] <= b[1] or b[3] <= a[1]
    for left, top, right, bottom in boxes:
        assert left >= -1e-6
        assert top >= 0
        assert right <= placed.width + 1e-6
        assert bottom <= placed.height + 1e-6
    for (tail, head), route in zip(arrows, placed.routes, strict=True):
        for (x, top), (to, bottom) in pairwise(route):
            assert x == to or not any(box[1] < bottom and top < box[3] for box in boxes)
        heights = [y for _, y in route]
        assert heights == sorted(heights)
        assert heights[0] == boxes[tail][3]
        assert heights[-1] == boxes[head][1]


def test_a_chain_is_a_straight_line() -> None:
    placed = layout([(10, 10), (80, 10), (30, 10)], [(0, 1), (1, 2)])
    assert [x + w / 2 for (x, _), w in zip(placed.corners, (10, 80, 30), strict=True)] == [40] * 3


def test_a_skip_connection_goes_past_what_it_skips() -> None:
    placed = layout([(20, 10), (90, 10), (20, 10)], [(0, 1), (1, 2), (0, 2)])
    left, right = placed.corners[1][0], placed.corners[1][0] + 90
    past = [x for x, _ in placed.routes[2][1:-1]]
    assert past
    assert all(x < left or x > right for x in past)
