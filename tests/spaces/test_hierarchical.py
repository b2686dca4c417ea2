from itertools import product

import pytest
import torch

from optuna_nas import ops
from optuna_nas.space import build
from optuna_nas.space import survey
from optuna_nas.spaces import Hierarchical
from optuna_nas.testing import SpaceTestCase
from tests.spaces.searching import digits
from tests.spaces.searching import random_search


PRIMITIVES = list(ops.hierarchical_primitives(1))
EDGES = ["0>1", "0>2", "1>2"]


class TestASmallOne(SpaceTestCase):
    @pytest.fixture
    def network(self):
        return Hierarchical(num_classes=3, channels=2, in_channels=1, levels=[(2, 2), (1, 3)])

    @pytest.fixture
    def example(self):
        return torch.randn(2, 1, 8, 8)


class TestFourLevelsForImagesOfAnOddSize(SpaceTestCase):
    max_examples = 5

    @pytest.fixture
    def network(self):
        return Hierarchical(channels=2, cells=2, levels=[(2, 2), (1, 2), (1, 3)])

    @pytest.fixture
    def example(self):
        return torch.randn(2, 3, 7, 5)


def test_a_random_search_runs_on_images():
    network = Hierarchical(channels=4, in_channels=1, levels=[(2, 2), (1, 3)])
    random_search(network, *digits())


def size(levels: list[tuple[int, int]], primitives: int) -> int:
    """Counts by the top's answers: each motif it names comes in so many forms."""
    (motifs, nodes), (_, top_nodes) = levels
    forms = primitives ** (nodes * (nodes - 1) // 2)
    answers = product(["none", *range(motifs)], repeat=top_nodes * (top_nodes - 1) // 2)
    return sum(forms ** len({*answer} - {"none"}) for answer in answers)


@pytest.mark.parametrize("levels", [[(1, 3), (1, 2)], [(2, 2), (1, 3)]])
def test_the_size_of_a_small_one_is_that_of_motifs_which_the_cell_names(levels):
    network = Hierarchical(channels=2, levels=levels, primitives=["conv_1x1", "identity"])
    surveyed = survey(network)
    assert surveyed.size == size(levels, 2)
    assert surveyed.how == "walked"


def test_the_size_of_a_large_one_is_estimated():
    levels = [(2, 2), (1, 3)]
    surveyed = survey(Hierarchical(channels=2, levels=levels))
    assert surveyed.how == "estimated"
    assert abs(surveyed.size - size(levels, 7)) < 3 * surveyed.standard_error


def test_one_level_of_motifs_is_a_flat_cell():
    surveyed = survey(Hierarchical(channels=2, levels=[(1, 3)]))
    assert list(surveyed.search_space) == [f"level2/motif0/{edge}" for edge in EDGES]
    assert {d.choices for d in surveyed.search_space.values()} == {tuple(PRIMITIVES)}
    assert surveyed.size == 7**3


def test_a_motif_that_no_edge_names_is_not_asked_about():
    top = {f"level3/motif0/{edge}": "motif1" for edge in EDGES}
    network = Hierarchical(channels=2, levels=[(2, 2), (1, 3)])
    build(network, {**top, "level2/motif1/0>1": "identity"})
    with pytest.raises(ValueError, match=r"unknown 'level2/motif0/0>1'"):
        build(network, {**top, "level2/motif1/0>1": "none", "level2/motif0/0>1": "none"})


def test_motifs_of_motifs_sum_along_their_edges():
    """With identities below, a motif of level 2 doubles; the cell is a chain of two of them."""
    params = {
        **{f"level2/motif0/{edge}": "identity" for edge in EDGES},
        "level3/motif0/0>1": "motif0",
        "level3/motif0/0>2": "none",
        "level3/motif0/1>2": "motif0",
    }
    module = build(Hierarchical(channels=2, levels=[(1, 3), (1, 3)]), params)
    x = torch.randn(2, 2, 4, 4)
    assert torch.equal(module[2](x), 2 * (2 * x))


@pytest.mark.parametrize("edge", EDGES)
def test_each_edge_leads_where_its_name_says(edge):
    """With an edge cut and identities on the rest, the motif gives x times the paths left."""
    params = {f"level2/motif0/{e}": "none" if e == edge else "identity" for e in EDGES}
    module = build(Hierarchical(channels=2, levels=[(1, 3)]), params)
    paths = (edge != "0>2") + (edge == "0>2")
    x = torch.randn(2, 2, 4, 4)
    assert torch.equal(module[2](x), paths * x)


def test_wherever_a_motif_stands_it_has_weights_of_its_own():
    params = {
        **{f"level3/motif0/{edge}": "motif0" for edge in EDGES},
        "level2/motif0/0>1": "conv_1x1",
    }
    network = Hierarchical(num_classes=5, channels=4, in_channels=1, levels=[(1, 2), (1, 3)])
    module = build(network, params)
    stem, head = 9 * 4 + 8, 16 * 5 + 5
    cells = sum(3 * (width * width + 2 * width) for width in (4, 8, 16))
    reductions = sum((9 * w + 2 * w) + (w * 2 * w + 2 * 2 * w) for w in (4, 8))
    assert sum(p.numel() for p in module.parameters()) == stem + cells + reductions + head


def test_stages_halve_the_image_and_double_the_channels():
    params = {"level2/motif0/0>1": "identity"}
    module = build(Hierarchical(channels=4, cells=2, levels=[(1, 2)]), params)
    assert module[:-3](torch.randn(2, 3, 9, 8)).shape == (2, 16, 3, 2)


EXPECTED = "a list of (motifs, nodes), at least 1 of at least 2, from level 2 to the top"


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("num_classes", 0, "an int of at least 1, but got 0."),
        ("channels", 1.5, "an int of at least 1, but got 1.5."),
        ("cells", True, "an int of at least 1, but got True."),
        ("in_channels", "3", "an int of at least 1, but got '3'."),
        ("levels", 3, f"{EXPECTED}, but got 3."),
        ("levels", [], f"{EXPECTED}, but got []."),
        ("levels", (6, 4), f"{EXPECTED}, but got (6, 4)."),
        ("levels", [(1, 1)], f"{EXPECTED}, but got [(1, 1)]."),
        ("levels", [(0, 3), (1, 3)], f"{EXPECTED}, but got [(0, 3), (1, 3)]."),
        ("levels", ["14"], f"{EXPECTED}, but got ['14']."),
        ("levels", [(2, 3)], f"{EXPECTED}, which has 1 motif, the cell, but got [(2, 3)]."),
        (
            "primitives",
            ["conv"],
            f"a list of names among {', '.join(PRIMITIVES)}, but got ['conv'].",
        ),
    ],
)
def test_illegal_arguments_are_named_with_what_is_legal(name, value, message):
    with pytest.raises(ValueError, match=name) as raised:
        Hierarchical(**{name: value})
    assert str(raised.value) == f"Hierarchical: {name} must be {message}"


def test_two_with_equal_arguments_are_equal():
    one, other = Hierarchical(levels=[[2, 3], [1, 4]]), Hierarchical(levels=((2, 3), (1, 4)))
    assert one == other
    assert hash(one) == hash(other)
