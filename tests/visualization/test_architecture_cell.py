from __future__ import annotations

from typing import Any

import optuna
import pytest

from optuna_nas import spaces
from optuna_nas.visualization import plot_cell
from optuna_nas.visualization._cell import _cell
from optuna_nas.visualization._graph import Diagram
from tests.visualization.architectures import links
from tests.visualization.architectures import sampled
from tests.visualization.architectures import texts


BENCH = "|nor_conv_3x3~0|+|none~0|avg_pool_3x3~1|+|skip_connect~0|none~1|nor_conv_1x1~2|"


def diagram(params: dict[str, Any], cell: str = "") -> Diagram:
    scope = f"{cell}/" if cell else ""
    edges = {
        (int(name[len(scope)]), int(name[-1])): value
        for name, value in params.items()
        if name.startswith(scope) and ">" in name
    }
    return _cell(params, cell, edges)


def test_a_cell_of_nas_bench_201_has_its_nodes_and_operations() -> None:
    params = spaces.NASBench201.from_arch_string(BENCH)
    assert links(diagram(params)) == {
        ("0", "nor_conv_3x3"),
        ("nor_conv_3x3", "1"),
        ("1", "avg_pool_3x3"),
        ("avg_pool_3x3", "2"),
        ("0", "skip_connect"),
        ("skip_connect", "3"),
        ("2", "nor_conv_1x1"),
        ("nor_conv_1x1", "3"),
    }
    assert "none" not in texts(plot_cell(params))


def test_cells_of_darts_are_drawn_as_in_the_paper() -> None:
    params = {
        "normal/node2": "0+1",
        "normal/0>2": "sep_conv_3x3",
        "normal/1>2": "skip_connect",
        "normal/node3": "0+2",
        "normal/0>3": "none",
        "normal/2>3": "max_pool_3x3",
    }
    assert links(diagram(params, "normal")) == {
        ("cₖ₋₂", "sep_conv_3x3"),
        ("cₖ₋₁", "skip_connect"),
        ("sep_conv_3x3", "0"),
        ("skip_connect", "0"),
        ("0", "max_pool_3x3"),
        ("max_pool_3x3", "1"),
        ("0", "cₖ"),
        ("1", "cₖ"),
    }
    said = texts(plot_cell(params))
    assert {"normal", "convolution", "pooling"} <= set(said)


def test_a_node_to_which_nothing_leads_is_zeros() -> None:
    cell = diagram({"0>1": "none", "0>2": "nor_conv_1x1", "1>2": "skip_connect"})
    zeros = [box for box in cell.boxes if box.note == "zeros"]
    assert [box.lines[0].text for box in zeros] == ["1"]
    assert not zeros[0].used


def test_every_motif_of_a_hierarchy_is_a_cell() -> None:
    network = spaces.Hierarchical()
    said = texts(plot_cell(sampled(network, seed=1)))
    assert "level3/motif0" in said
    assert any(text.startswith("level2/motif") for text in said)


def test_a_trial_will_do_and_other_names_are_passed_over() -> None:
    params = spaces.NASBench201.from_arch_string(BENCH)
    choices = ["none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3"]
    trial = optuna.trial.create_trial(
        params={**params, "lr": 0.1},
        distributions={
            **dict.fromkeys(params, optuna.distributions.CategoricalDistribution(choices)),
            "lr": optuna.distributions.FloatDistribution(0, 1),
        },
        value=1.0,
    )
    assert plot_cell(trial).svg == plot_cell(params).svg


@pytest.mark.parametrize(
    ("params", "error", "match"),
    [
        (
            {"width": 3},
            ValueError,
            r"names such as '0>3' or .*, but params have 'width'",
        ),
        ({}, ValueError, r"but params have none\. plot_architecture draws any network"),
        (
            {"node2": "0+1", "0>2": "skip_connect"},
            ValueError,
            r"plot_cell: params lack '1>2', the operation of an edge that is taken",
        ),
        ("0>1", TypeError, r"plot_cell: params must be a dict .* or a trial, but is '0>1'"),
    ],
)
def test_bad_input_is_told_with_what_is_legal(
    params: Any, error: type[Exception], match: str
) -> None:
    with pytest.raises(error, match=match):
        plot_cell(params)
