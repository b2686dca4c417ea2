from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from optuna_nas import build
from optuna_nas import spaces
from optuna_nas.visualization import plot_difference
from optuna_nas.visualization._difference import marked
from optuna_nas.visualization._fold import fold
from optuna_nas.visualization._graph import Diagram
from optuna_nas.visualization._inputs import rows_for
from optuna_nas.visualization._style import MARK
from tests.visualization.architectures import sampled
from tests.visualization.architectures import SPACES
from tests.visualization.architectures import texts
from tests.visualization.architectures import traced


def difference(
    network: Any, a: dict[str, Any], b: dict[str, Any], most: int = 24
) -> list[Diagram]:
    with torch.device("meta"):
        modules = build(network, a), build(network, b)
    rows = rows_for(network, None)
    return fold(marked(*(traced(module, *rows) for module in modules)), "", most)


def changed(diagrams: list[Diagram]) -> list[str]:
    return [box.lines[0].text for d in diagrams for box in d.boxes if box.changed and box.lines]


def test_what_a_mutation_changed_is_marked_and_nothing_else() -> None:
    network = SPACES["Transformer"]
    a = {**sampled(network, seed=0), "depth": 2, "layer1/heads": 2, "layer1/ratio": 1}
    a = {name: value for name, value in a.items() if name[:5] != "layer" or name[5] in "01"}
    b = {**a, "layer1/heads": 4}
    (diagram,) = difference(network, a, b)
    boxes = [box for box in diagram.boxes if box.changed]
    assert [[line.text for line in box.lines if line.changed] for box in boxes] == [
        ["self-attention 4 heads"]
    ]
    said = texts(plot_difference(network, a, b))
    assert "layer1/heads: 2 → 4" in said
    assert {"changed or new", "as before"} <= set(said)


def test_an_equal_block_that_changed_is_not_folded_with_one_that_did_not() -> None:
    network = SPACES["MobileNet"]
    a = {**sampled(network, seed=0), "stage0/depth": 3}
    for i in range(3):
        a |= {f"stage0/block{i}/kernel": "k3", f"stage0/block{i}/expansion": "e3"}
    b = {**a, "stage0/block1/kernel": "k5", "stage0/block2/kernel": "k5"}
    a["stage0/block2/kernel"] = "k5"
    (diagram,) = difference(network, a, b)
    assert sum(box.changed for box in diagram.boxes) == 1


def test_new_operations_and_new_wires_are_marked() -> None:
    network = spaces.DARTS(channels=4, layers=3, nodes=2, k=1, operations=["max_pool_3x3"])
    edges = {"0>2": "max_pool_3x3", "2>3": "max_pool_3x3"}
    reduce = {"reduce/node2": "0", "reduce/node3": "2"}
    reduce |= {f"reduce/{name}": value for name, value in edges.items()}
    a = {"normal/node2": "0", "normal/node3": "0", **reduce}
    a |= {"normal/0>2": "max_pool_3x3", "normal/0>3": "max_pool_3x3"}
    b = {name: value for name, value in a.items() if name != "normal/0>3"}
    b |= {"normal/node3": "1", "normal/1>3": "max_pool_3x3"}
    diagrams = difference(network, a, b, most=100)
    wires = [
        d.boxes[arrow.head].lines[0].text for d in diagrams for arrow in d.arrows if arrow.changed
    ]
    assert set(wires) == {"3×3 max pool"}
    assert not changed(diagrams)
    said = texts(plot_difference(network, a, b))
    assert {"normal/node3: 0 → 1", "normal/1>3: not asked → max_pool_3x3"} <= set(said)
    assert MARK in plot_difference(network, a, b).svg


def test_a_cell_that_is_drawn_apart_is_marked_in_both_places() -> None:
    network = spaces.NASBench201(channels=4, cells=3)
    a = network.from_arch_string(
        "|nor_conv_3x3~0|+|nor_conv_3x3~0|avg_pool_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_1x1~2|"
    )
    marks = changed(difference(network, a, {**a, "2>3": "nor_conv_3x3"}))
    assert marks.count("Cell A") == 3
    assert len(marks) == 4


def test_no_difference_is_said_to_be_none() -> None:
    network = SPACES["MLP"]
    params = sampled(network, seed=0)
    assert not changed(difference(network, params, params))
    said = texts(plot_difference(network, params, params))
    assert "The decisions are the same." in said


def test_a_long_list_of_decisions_is_cut() -> None:
    network = SPACES["MobileNet"]
    a, b = sampled(network, seed=0), sampled(network, seed=5)
    names = [name for name in {**a, **b} if a.get(name) != b.get(name)]
    said = texts(plot_difference(network, a, b))
    assert f"and {len(names) - 10} more" in said


@pytest.mark.parametrize(
    ("network", "a", "b", "error", "match"),
    [
        (SPACES["MLP"], [1], {}, TypeError, r"plot_difference: params_a must be a dict"),
        (SPACES["MLP"], {}, 3, TypeError, r"plot_difference: params_b must be a dict"),
        (SPACES["MLP"], {"width": 32}, {}, ValueError, r"params do not fit the network"),
        (nn.Linear(1, 1), {}, {}, TypeError, r"params belong to a search space"),
    ],
)
def test_bad_input_is_told_with_what_is_legal(
    network: Any, a: Any, b: Any, error: type[Exception], match: str
) -> None:
    with pytest.raises(error, match=match):
        plot_difference(network, a, b)
