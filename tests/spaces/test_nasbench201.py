from itertools import product
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from optuna_nas import ops
from optuna_nas.space import build
from optuna_nas.space import survey
from optuna_nas.spaces import NASBench201
from optuna_nas.testing import SpaceTestCase


EDGES = ["0>1", "0>2", "1>2", "0>3", "1>3", "2>3"]
OPERATIONS = list(ops.nasbench201_operations(1))

# Parameters in millions on CIFAR-10, from the benchmark's tables (Dong and Yang 2020,
# https://github.com/D-X-Y/NAS-Bench-201, the API's get_cost_info).
PUBLISHED = {
    "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+"
    "|nor_conv_3x3~0|nor_conv_3x3~1|nor_conv_3x3~2|": 1.531546,
    "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+"
    "|skip_connect~0|nor_conv_3x3~1|nor_conv_1x1~2|": 1.073466,
    "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+"
    "|nor_conv_1x1~0|skip_connect~1|skip_connect~2|": 0.129306,
    "|nor_conv_1x1~0|+|none~0|nor_conv_1x1~1|+|none~0|nor_conv_1x1~1|nor_conv_1x1~2|": 0.185306,
    "|avg_pool_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+"
    "|avg_pool_3x3~0|avg_pool_3x3~1|avg_pool_3x3~2|": 0.559386,
    "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|": 0.073306,
}


def parameters(params: dict[str, str], network: NASBench201 | None = None) -> int:
    with torch.device("meta"):
        module = build(network or NASBench201(), params)
    return sum(p.numel() for p in module.parameters())


class TestASmallOne(SpaceTestCase):
    @pytest.fixture
    def network(self):
        return NASBench201(num_classes=3, channels=4, cells=1, in_channels=1)

    @pytest.fixture
    def example(self):
        return torch.randn(2, 1, 8, 8)


class TestImagesOfAnOddSize(SpaceTestCase):
    max_examples = 5

    @pytest.fixture
    def network(self):
        return NASBench201(channels=2, cells=2)

    @pytest.fixture
    def example(self):
        return torch.randn(2, 3, 7, 9)


def test_its_decisions_are_the_six_edges_in_the_tables_order():
    surveyed = survey(NASBench201(channels=1, cells=1))
    assert list(surveyed.search_space) == EDGES
    assert {d.choices for d in surveyed.search_space.values()} == {tuple(OPERATIONS)}
    assert surveyed.size == 5**6


@pytest.mark.parametrize(("arch_string", "millions"), PUBLISHED.items())
def test_parameters_are_those_published(arch_string, millions):
    assert parameters(NASBench201.from_arch_string(arch_string)) == round(millions * 1e6)


def test_parameters_of_all_networks_are_those_published():
    """150 rows of the table have the parameters of another network of their iso_class."""
    directory = os.environ.get("OPTUNA_NAS_DATA")
    if directory is None or not (path := Path(directory) / "nasbench201_cifar10.npz").exists():
        pytest.skip("OPTUNA_NAS_DATA names no directory with nasbench201_cifar10.npz")
    table = np.load(path)
    nothing = dict.fromkeys(EDGES, "none")
    base = parameters(nothing)
    cost = [[parameters({**nothing, e: str(o)}) - base for o in table["op_names"]] for e in EDGES]
    ours = base + np.array(cost)[np.arange(6), table["ops"]].sum(axis=1)
    published = np.rint(table["params_millions"].astype(float) * 1e6)
    different = np.flatnonzero(ours != published)
    assert len(different) == 150
    for i in different:
        assert published[i] in ours[table["iso_class"] == table["iso_class"][i]]


def test_the_cell_sums_along_its_edges():
    """With identities on all edges, node j is 2**(j-1) times the input, so the cell gives 4x."""
    module = build(NASBench201(channels=2, cells=1), dict.fromkeys(EDGES, "skip_connect"))
    x = torch.randn(2, 2, 4, 4)
    assert torch.equal(module[1](x), 4 * x)


@pytest.mark.parametrize("edge", EDGES)
def test_each_edge_leads_where_its_name_says(edge):
    """With an edge cut and identities on the rest, the cell gives x times the paths left."""
    params = {**dict.fromkeys(EDGES, "skip_connect"), edge: "none"}
    graph = {e: e != edge for e in EDGES}

    def count(node: int) -> int:
        return 1 if node == 0 else sum(count(i) for i in range(node) if graph[f"{i}>{node}"])

    x = torch.randn(2, 2, 4, 4)
    module = build(NASBench201(channels=2, cells=1), params)
    torch.testing.assert_close(module[1](x), count(3) * x)


def test_arch_strings_and_params_are_two_forms_of_one_thing():
    strings = set()
    for operations in product(OPERATIONS, repeat=6):
        params = dict(zip(EDGES, operations, strict=True))
        arch_string = NASBench201.arch_string(params)
        assert NASBench201.from_arch_string(arch_string) == params
        strings.add(arch_string)
    assert len(strings) == 15_625


def test_an_arch_string_reads_as_in_the_paper():
    params = dict(zip(EDGES, [*OPERATIONS, "none"], strict=True))
    assert NASBench201.arch_string(params) == (
        "|none~0|+|skip_connect~0|nor_conv_1x1~1|+|nor_conv_3x3~0|avg_pool_3x3~1|none~2|"
    )


def test_an_arch_string_passes_over_what_is_no_edge():
    params = dict.fromkeys(EDGES, "none")
    assert NASBench201.arch_string({**params, "lr": 0.1}) == NASBench201.arch_string(params)


def test_params_without_an_edge_have_no_arch_string():
    params = {edge: "none" for edge in EDGES if edge != "1>2"}
    with pytest.raises(ValueError, match=r"NASBench201: params lack edge '1>2', got \{'0>1': "):
        NASBench201.arch_string(params)


def test_an_unknown_operation_has_no_arch_string():
    with pytest.raises(
        ValueError,
        match="edge '0>3' must be one of none, skip_connect, nor_conv_1x1, nor_conv_3x3, "
        "avg_pool_3x3, but got 'conv'",
    ):
        NASBench201.arch_string({**dict.fromkeys(EDGES, "none"), "0>3": "conv"})


@pytest.mark.parametrize(
    "arch_string",
    [
        "",
        None,
        "|none~0|+|none~0|none~1|",
        "|none~0|+|none~0|none~1|+|none~0|none~1|none~3|",
        "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|\n",
    ],
)
def test_an_arch_string_of_another_form_is_refused(arch_string):
    with pytest.raises(ValueError, match="arch string has the form") as raised:
        NASBench201.from_arch_string(arch_string)
    assert str(raised.value) == (
        "NASBench201: an arch string has the form '|e0~0|+|e1~0|e2~1|+|e3~0|e4~1|e5~2|', where e0 "
        f"to e5 are the operations of edges {', '.join(EDGES)}, but got {arch_string!r}."
    )


def test_an_arch_string_with_an_unknown_operation_is_refused():
    arch_string = "|none~0|+|none~0|conv~1|+|none~0|none~1|none~2|"
    with pytest.raises(ValueError, match=r"edge '1>2' of .* must be one of none, .*got 'conv'"):
        NASBench201.from_arch_string(arch_string)


@pytest.mark.parametrize("name", ["num_classes", "channels", "cells", "in_channels"])
@pytest.mark.parametrize("value", [0, 1.5, True, "3", None])
def test_sizes_are_ints_of_at_least_1(name, value):
    message = f"NASBench201: {name} must be an int of at least 1, but got {value!r}"
    with pytest.raises(ValueError, match=message):
        NASBench201(**{name: value})
