from math import comb
from math import prod

import pytest
import torch
from torch import nn

from optuna_nas import ops
from optuna_nas.oneshot import Supernet
from optuna_nas.space import build
from optuna_nas.space import survey
from optuna_nas.space import SurveyTrial
from optuna_nas.spaces import DARTS
from optuna_nas.testing import SpaceTestCase
from tests.spaces.searching import digits
from tests.spaces.searching import random_search


OPERATIONS = list(ops.darts_operations(1))

# Printed by the authors of DARTS (https://github.com/quark0/darts, cnn/genotypes.py, DARTS_V2)
# and of P-DARTS (Chen et al. 2019, https://github.com/chenxin061/pdarts, genotypes.py).
DARTS_V2 = (
    "Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), "
    "('sep_conv_3x3', 1), ('sep_conv_3x3', 1), ('skip_connect', 0), ('skip_connect', 0), "
    "('dil_conv_3x3', 2)], normal_concat=[2, 3, 4, 5], reduce=[('max_pool_3x3', 0), "
    "('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 1), ('max_pool_3x3', 0), "
    "('skip_connect', 2), ('skip_connect', 2), ('max_pool_3x3', 1)], reduce_concat=[2, 3, 4, 5])"
)
PDARTS = (
    "Genotype(normal=[('skip_connect', 0), ('dil_conv_3x3', 1), ('skip_connect', 0), "
    "('sep_conv_3x3', 1), ('sep_conv_3x3', 1), ('sep_conv_3x3', 3), ('sep_conv_3x3', 0), "
    "('dil_conv_5x5', 4)], normal_concat=range(2, 6), reduce=[('avg_pool_3x3', 0), "
    "('sep_conv_5x5', 1), ('sep_conv_3x3', 0), ('dil_conv_5x5', 2), ('max_pool_3x3', 0), "
    "('dil_conv_3x3', 1), ('dil_conv_3x3', 1), ('dil_conv_5x5', 3)], reduce_concat=range(2, 6))"
)

SMALL = {"channels": 2, "layers": 3, "nodes": 2, "in_channels": 1}
ALIKE = {
    **{f"{cell}/node{j}": "0+1" for cell in ("normal", "reduce") for j in (2, 3)},
    **{
        f"{c}/{i}>{j}": "skip_connect"
        for c in ("normal", "reduce")
        for i in (0, 1)
        for j in (2, 3)
    },
}


class TestOneWithPartialChannels(SpaceTestCase):
    max_examples = 10

    @pytest.fixture
    def network(self):
        operations = ["none", "skip_connect", "dil_conv_3x3"]
        return DARTS(num_classes=3, operations=operations, partial=2, **{**SMALL, "channels": 4})

    @pytest.fixture
    def example(self):
        return torch.randn(2, 1, 9, 9)


class TestASmallOne(SpaceTestCase):
    max_examples = 10

    @pytest.fixture
    def network(self):
        return DARTS(num_classes=3, operations=["none", "skip_connect", "dil_conv_3x3"], **SMALL)

    @pytest.fixture
    def example(self):
        return torch.randn(2, 1, 8, 8)


class TestASearchNetworkForImagesOfAnOddSize(SpaceTestCase):
    max_examples = 5

    @pytest.fixture
    def network(self):
        operations = ["avg_pool_3x3", "skip_connect", "sep_conv_5x5"]
        sizes = {"channels": 3, "layers": 4, "nodes": 1, "k": 1}
        return DARTS(**sizes, operations=operations, affine=False, drop_path=0.2)

    @pytest.fixture
    def example(self):
        return torch.randn(2, 3, 7, 9)


def test_a_random_search_runs_on_images():
    operations = ["none", "max_pool_3x3", "skip_connect", "sep_conv_3x3"]
    random_search(DARTS(**{**SMALL, "nodes": 1}, operations=operations), *digits())


@pytest.mark.parametrize(
    ("genotype", "auxiliary", "published"),
    [
        # "param size = 3.349342MB", says their train.py at the defaults.
        (DARTS_V2, False, 3_349_342),
        # https://github.com/chenxin061/pdarts/issues/7
        (PDARTS, False, 3_433_798),
        (PDARTS, True, 3_910_224),
    ],
)
def test_parameters_are_those_published(genotype, auxiliary, published):
    network = DARTS(channels=36, layers=20, auxiliary=auxiliary)
    with torch.device("meta"):
        module = build(network, network.from_genotype(genotype))
    assert sum(p.numel() for p in module.parameters()) == published


def test_a_supernet_has_the_weights_of_the_papers_search_network():
    # "param size = 1.930618MB", says their train_search.py at the defaults.
    with torch.device("meta"):
        supernet = Supernet(DARTS(affine=False))
    assert sum(p.numel() for p in supernet.weights()) == 1_930_618


@pytest.fixture(scope="module")
def surveyed():
    """Of three nodes, with two operations."""
    return survey(DARTS(**{**SMALL, "nodes": 3}, operations=["skip_connect", "max_pool_3x3"]))


def test_size_is_that_of_the_paper(surveyed):
    """Appendix A: a node takes two inputs of all before it, each by one of the operations."""
    assert surveyed.size == prod(comb(j, 2) * 2**2 for j in (2, 3, 4)) ** 2
    assert surveyed.how == "factored"


def test_a_decision_is_named_by_its_cell_and_its_node_or_edge(surveyed):
    edges = [f"{i}>{j}" for j in (2, 3, 4) for i in range(j)]
    names = [f"{c}/{n}" for c in ("normal", "reduce") for n in ["node2", "node3", "node4", *edges]]
    assert set(surveyed.search_space) == set(names)
    pairs = ("0+1", "0+2", "0+3", "1+2", "1+3", "2+3")
    assert surveyed.search_space["reduce/node4"].choices == pairs


def test_the_operation_of_an_edge_is_asked_if_the_edge_is_taken(surveyed):
    assert str(surveyed.conditions["normal/2>3"]) == "normal/node3 in 0+2, 1+2"


def test_a_node_takes_all_inputs_where_it_has_less_than_k():
    trial = SurveyTrial()
    DARTS(**{**SMALL, "nodes": 3}, k=3)(trial)
    nodes = {f"normal/node{j}": trial.distributions[f"normal/node{j}"].choices for j in (2, 3, 4)}
    assert nodes == {
        "normal/node2": ("0+1",),
        "normal/node3": ("0+1+2",),
        "normal/node4": ("0+1+2", "0+1+3", "0+2+3", "1+2+3"),
    }


def test_every_operation_is_a_candidate_by_default():
    assert list(DARTS().operations) == OPERATIONS


def test_cells_at_a_third_and_at_two_thirds_reduce():
    module = build(DARTS(**{**SMALL, "layers": 8}), ALIKE)
    x, sides, widths = module.stem(torch.randn(2, 1, 16, 16)), [], []
    outputs = [x, x]
    for cell in module.cells:
        outputs.append(cell(*outputs[-2:]))
        sides.append(outputs[-1].shape[-1])
        widths.append(outputs[-1].shape[1])
    assert sides == [16, 16, 8, 8, 8, 4, 4, 4]
    assert widths == [4, 4, 8, 8, 8, 16, 16, 16]


def test_a_node_sums_its_inputs_and_a_cell_concatenates_its_nodes():
    params = {**ALIKE, "normal/node3": "1+2", "normal/2>3": "skip_connect"}
    del params["normal/0>3"]
    cell = build(DARTS(**SMALL), params).eval().cells[0]
    before_last, last = torch.randn(2, 2, 6, 4, 4).unbind(0)
    state0, state1 = cell.inputs[0](before_last), cell.inputs[1](last)
    expected = torch.cat([state0 + state1, state1 + (state0 + state1)], dim=1)
    torch.testing.assert_close(cell(before_last, last), expected)


def test_with_an_auxiliary_head_there_are_two_outputs_in_training_mode():
    network = DARTS(num_classes=5, auxiliary=True, **SMALL)
    module = build(network, ALIKE)
    x = torch.randn(2, 1, 8, 8)
    logits, auxiliary = module(x)
    assert logits.shape == auxiliary.shape == (2, 5)
    assert module.eval()(x).shape == (2, 5)
    (logits + auxiliary).sum().backward()
    assert all(p.grad is not None for p in module.parameters())


def test_the_paths_of_a_network_are_dropped_in_training_but_identities():
    params = {**ALIKE, "normal/0>2": "max_pool_3x3"}
    module = build(DARTS(**SMALL, drop_path=0.3), params)
    first = module.cells[0].nodes[0]
    assert [type(m) for m in first.modules() if isinstance(m, nn.Identity | ops.DropPath)] == [
        *(ops.DropPath, nn.Identity),
    ]
    assert {m.p for m in module.modules() if isinstance(m, ops.DropPath)} == {0.3}


def test_no_operation_works_in_place():
    with torch.device("meta"):
        module = build(DARTS(auxiliary=True), DARTS().from_genotype(PDARTS))
    assert not [name for name, m in module.named_modules() if getattr(m, "inplace", False)]


@pytest.mark.parametrize("genotype", [DARTS_V2, PDARTS])
def test_published_genotypes_and_params_are_two_forms_of_one_thing(genotype):
    params = DARTS().from_genotype(genotype)
    assert DARTS().from_genotype(DARTS().genotype(params)) == params


def test_a_genotype_reads_as_in_the_paper():
    params = {**DARTS().from_genotype(PDARTS), "lr": 0.1}
    assert DARTS().genotype(params) == PDARTS


def test_a_genotype_says_which_inputs_a_node_takes_and_by_which_operations():
    params = DARTS().from_genotype(DARTS_V2)
    reduce = {name: value for name, value in params.items() if name.startswith("reduce/")}
    assert reduce == {
        "reduce/node2": "0+1",
        "reduce/0>2": "max_pool_3x3",
        "reduce/1>2": "max_pool_3x3",
        "reduce/node3": "1+2",
        "reduce/1>3": "max_pool_3x3",
        "reduce/2>3": "skip_connect",
        "reduce/node4": "0+2",
        "reduce/0>4": "max_pool_3x3",
        "reduce/2>4": "skip_connect",
        "reduce/node5": "1+2",
        "reduce/1>5": "max_pool_3x3",
        "reduce/2>5": "skip_connect",
    }


def test_params_without_a_decision_have_no_genotype():
    params = {name: value for name, value in ALIKE.items() if name != "normal/1>2"}
    with pytest.raises(ValueError, match=r"^DARTS: params lack 'normal/1>2', got \{'normal/node2"):
        DARTS(**SMALL).genotype(params)


def test_an_unknown_operation_has_no_genotype():
    network = DARTS(**SMALL, operations=["none", "skip_connect"])
    message = r"^DARTS: 'normal/0>2' must be one of none, skip_connect, but got 'conv'\.$"
    with pytest.raises(ValueError, match=message):
        network.genotype({**ALIKE, "normal/0>2": "conv"})


@pytest.mark.parametrize("taken", ["1+0", "0+2", 3])
def test_inputs_that_a_node_cannot_take_have_no_genotype(taken):
    with pytest.raises(ValueError, match="DARTS: 'normal/node2' must be one of 0") as raised:
        DARTS(**SMALL).genotype({**ALIKE, "normal/node2": taken})
    message = f"DARTS: 'normal/node2' must be one of 0+1, but got {taken!r}."
    assert str(raised.value) == message


@pytest.mark.parametrize(
    "genotype",
    [
        "",
        None,
        "Genotype(",
        "Genotype",
        "__import__('os').system('true')",
        PDARTS.replace("reduce_concat", "concat"),
        PDARTS.replace("('sep_conv_5x5', 1)", "'sep_conv_5x5'"),
        PDARTS.replace("range(2, 6)", "range(two, 6)"),
        PDARTS.replace("range(2, 6)", "4"),
    ],
)
def test_a_genotype_of_another_form_is_refused(genotype):
    with pytest.raises(ValueError, match="a genotype has the form") as raised:
        DARTS().from_genotype(genotype)
    assert str(raised.value) == (
        "DARTS: a genotype has the form Genotype(normal=[('sep_conv_3x3', 0), ...], "
        "normal_concat=range(2, 6), reduce=[...], reduce_concat=range(2, 6)), but got "
        f"{genotype!r}."
    )


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("sep_conv_5x5", "sep_conv_7x7", "'reduce/1>2' must be one of none, .*'sep_conv_7x7'"),
        ("('sep_conv_5x5', 1)", "('sep_conv_5x5', 0)", "'reduce/node2' must be one of 0.*'0.0'"),
        ("('sep_conv_5x5', 1)", "('sep_conv_5x5', 2)", "'reduce/node2' must be one of 0.*'0.2'"),
        ("('sep_conv_5x5', 1), ", "", r"reduce must have 8 edges \(4 nodes with k=2\), but got 7"),
        (
            "normal_concat=range(2, 6)",
            "normal_concat=range(3, 6)",
            r"normal_concat must be \[2, 3, 4, 5\], all nodes of a cell, but got \[3, 4, 5\]",
        ),
    ],
)
def test_a_genotype_of_another_space_is_refused(before, after, message):
    assert before in PDARTS
    with pytest.raises(ValueError, match=f"^DARTS: {message}"):
        DARTS().from_genotype(PDARTS.replace(before, after))


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("num_classes", 0, "an int of at least 1, but got 0."),
        ("channels", 1.5, "an int of at least 1, but got 1.5."),
        ("in_channels", True, "an int of at least 1, but got True."),
        ("nodes", "4", "an int of at least 1, but got '4'."),
        ("k", None, "an int of at least 1, but got None."),
        ("layers", 2, "an int of at least 3, so that there are cells of both kinds, but got 2."),
        (
            "operations",
            ["conv"],
            f"a list of names among {', '.join(OPERATIONS)}, but got ['conv'].",
        ),
        ("partial", 0, "an int of at least 1, but got 0."),
        ("partial", 3, "a divisor of channels, so that all parts are alike, but got 3."),
        ("affine", 1, "True or False, but got 1."),
        ("auxiliary", None, "True or False, but got None."),
        ("drop_path", 1, "a number of at least 0 and below 1, but got 1."),
        ("drop_path", "0", "a number of at least 0 and below 1, but got '0'."),
    ],
)
def test_illegal_arguments_are_named_with_what_is_legal(name, value, message):
    with pytest.raises(ValueError, match=name) as raised:
        DARTS(**{name: value})
    assert str(raised.value) == f"DARTS: {name} must be {message}"


def test_with_partial_channels_the_decisions_are_the_same_and_all_channels_build_what_is_found():
    sizes = {**SMALL, "channels": 8, "affine": False}
    partial, whole = DARTS(partial=4, **sizes), DARTS(**sizes)
    torch.manual_seed(0)
    supernet = Supernet(partial)
    assert {n: g.distribution for n, g in Supernet(whole).decisions.items()} == {
        n: g.distribution for n, g in supernet.decisions.items()
    }
    assert supernet(torch.randn(2, 1, 8, 8)).shape == (2, 10)
    params = supernet.params()
    parts = [m for m in supernet.modules() if isinstance(m, ops.PartialChannels)]
    assert len(parts) == 3 * (2 + 3)
    module = build(whole, params)
    assert not any(isinstance(m, ops.PartialChannels) for m in module.modules())
    assert whole.genotype(params) == partial.genotype(params)


def test_partial_channels_make_operations_that_much_smaller():
    def weights(partial):
        sizes = {**SMALL, "channels": 8}
        supernet = Supernet(DARTS(operations=["sep_conv_3x3"], partial=partial, **sizes))
        cells = supernet.module.cells
        return sum(w.numel() for cell in cells for w in cell.nodes.parameters())

    assert weights(4) < weights(2) / 2 < weights(1) / 4
