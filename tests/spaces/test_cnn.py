from optuna.distributions import BaseDistribution
from optuna.distributions import IntDistribution
import pytest
import torch
from torch import nn

from optuna_nas.space import AnsweredTrial
from optuna_nas.space import build
from optuna_nas.space import SampledTrial
from optuna_nas.space import survey
from optuna_nas.spaces import CNN
from optuna_nas.testing import SpaceTestCase


class TestDigits(SpaceTestCase):
    @pytest.fixture
    def network(self):
        return CNN(input_shape=(1, 8, 8), num_classes=10)

    @pytest.fixture
    def example(self):
        return torch.randn(2, 1, 8, 8)


class TestColourImages(SpaceTestCase):
    max_examples = 10

    @pytest.fixture
    def network(self):
        return CNN(input_shape=(3, 32, 32), num_classes=100, widths=(4, 8))

    @pytest.fixture
    def example(self):
        return torch.randn(2, 3, 32, 32)


class TestImagesOfAnOddShape(SpaceTestCase):
    @pytest.fixture
    def network(self):
        return CNN(input_shape=(2, 7, 13), num_classes=2, min_stages=1, kernels=(1, 3, 7))

    @pytest.fixture
    def example(self):
        return torch.randn(2, 2, 7, 13)


class TestOnePixel(SpaceTestCase):
    @pytest.fixture
    def network(self):
        return CNN(input_shape=(5, 1, 1), num_classes=2, max_blocks=1, operations=("inverted",))

    @pytest.fixture
    def example(self):
        return torch.randn(2, 5, 1, 1)


STAGE = {"width": 16, "op": "conv", "kernel": 3, "skip": False, "blocks": 1}


def stage(i: int, **changes: object) -> dict[str, object]:
    chosen = {**STAGE, "width": 16 << i, **changes}
    return {f"stage{i}/{name}": value for name, value in chosen.items()}


def asked(network: CNN) -> dict[str, BaseDistribution]:
    """The decisions of its simplest architecture."""
    trial = AnsweredTrial(
        lambda name, d: d.low if isinstance(d, IntDistribution) else d.choices[0]
    )
    with torch.device("meta"):
        network(SampledTrial(trial))
    return trial.distributions


def test_decisions_have_short_names():
    assert set(survey(CNN((1, 4, 4), 10)).search_space) == {
        "stages",
        "pool",
        *stage(0, expansion=2),
        *stage(1, expansion=2),
    }


def test_size_is_the_product_of_its_choices():
    stages = 3 * 2 * 2 * (1 + 1 + 2) * 2
    assert survey(CNN((1, 8, 8), 10)).size == 2 * stages**2 + 2 * stages**3


@pytest.mark.parametrize(
    ("side", "stages"),
    [(1, (1, 1)), (3, (1, 1)), (4, (2, 2)), (8, (2, 3)), (32, (2, 4)), (224, (2, 4))],
)
def test_the_number_of_stages_follows_from_the_size_of_the_image(side, stages):
    distribution = asked(CNN((1, 99, side), 2))["stages"]
    assert (distribution.low, distribution.high) == stages


def test_a_large_image_may_have_more_stages_than_the_default():
    assert asked(CNN((1, 32, 32), 2, max_stages=5))["stages"].high == 5


def test_expansion_is_asked_of_inverted_bottlenecks_only():
    params = {"stages": 2, "pool": "max", **stage(0), **stage(1, op="inverted")}
    network = CNN((1, 8, 8), 10)
    with pytest.raises(ValueError, match="missing 'stage1/expansion'"):
        build(network, params)
    build(network, {**params, "stage1/expansion": 3})
    with pytest.raises(ValueError, match="unknown 'stage0/expansion'"):
        build(network, {**params, "stage0/expansion": 3, "stage1/expansion": 3})


def test_a_plain_one_computes_what_it_says():
    params = {"stages": 2, "pool": "avg", **stage(0), **stage(1)}
    module = build(CNN((1, 8, 8), 10), params).eval()
    stem, first, second = (m for m in module.modules() if isinstance(m, nn.Conv2d))
    norms = [m for m in module.modules() if isinstance(m, nn.BatchNorm2d)]
    x = torch.randn(4, 1, 8, 8)
    h = norms[1](first(norms[0](stem(x)).relu())).relu()
    h = norms[2](second(nn.functional.avg_pool2d(h, 2))).relu()
    torch.testing.assert_close(module(x), module[-1](h.mean((2, 3))))


def test_a_skip_adds_a_stages_input():
    params = {"stages": 2, "pool": "max", **stage(0), **stage(1, skip=True, blocks=2)}
    module = build(CNN((1, 8, 8), 10), params).eval()
    wider, same = module[3]
    x = torch.randn(4, 16, 4, 4)
    h = (wider[0].body(x) + wider[0].shortcut(x)).relu()
    torch.testing.assert_close(module[3](x), (same[0].body(h) + h).relu())


@pytest.mark.parametrize("op", ["conv", "separable", "inverted"])
def test_no_block_works_in_place(op):
    expansion = {"expansion": 2} if op == "inverted" else {}
    params = {"stages": 2, "pool": "max", **stage(0, op=op, **expansion), **stage(1)}
    module = build(CNN((1, 8, 8), 10), params)
    assert not [name for name, m in module.named_modules() if getattr(m, "inplace", False)]


def test_it_learns_to_tell_a_bar_from_its_mirror_image():
    torch.manual_seed(0)
    params = {"stages": 2, "pool": "max", **stage(0), **stage(1, skip=True)}
    module = build(CNN((1, 8, 8), 2), params)
    x = torch.randn(64, 1, 8, 8)
    x[:32] += 2 * torch.eye(8)
    x[32:] += 2 * torch.eye(8).flip(0)
    y = torch.arange(64) // 32
    optimizer = torch.optim.AdamW(module.parameters(), lr=0.01)
    for _ in range(20):
        optimizer.zero_grad()
        nn.functional.cross_entropy(module(x), y).backward()
        optimizer.step()
    assert (module.eval()(x).argmax(1) == y).float().mean() > 0.95


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("input_shape", 64, "(channels, height, width), ints of at least 1, but got 64."),
        ("input_shape", (8, 8), "(channels, height, width), ints of at least 1, but got (8, 8)."),
        (
            "input_shape",
            (1, 8, 0),
            "(channels, height, width), ints of at least 1, but got (1, 8, 0).",
        ),
        ("num_classes", 0, "an int of at least 1, but got 0."),
        ("max_blocks", 1.0, "an int of at least 1, but got 1.0."),
        (
            "max_stages",
            4,
            "None or an int of 1..3 for 8x8 images (each stage halves them), but got 4.",
        ),
        (
            "min_stages",
            "2",
            "None or an int of 1..3 for 8x8 images (each stage halves them), but got '2'.",
        ),
        ("widths", [16, 16], "a list of ints of at least 1, but got [16, 16]; they must differ."),
        ("kernels", [3, 4], "a list of odd ints of at least 1, but got [3, 4]."),
        ("expansions", [0], "a list of ints of at least 1, but got [0]."),
        (
            "operations",
            ["mbconv"],
            "a list of names among conv, separable, inverted, but got ['mbconv'].",
        ),
        (
            "pools",
            "max",
            "a list of names among max, avg, but got 'max'; for one candidate write ['max'].",
        ),
        ("skips", (0, 1), "a list of bools, but got (0, 1)."),
    ],
)
def test_illegal_arguments_are_named_with_what_is_legal(name, value, message):
    with pytest.raises(ValueError, match=name) as raised:
        CNN(**{"input_shape": (1, 8, 8), "num_classes": 10, name: value})
    assert str(raised.value) == f"CNN: {name} must be {message}"


def test_stages_do_not_end_before_they_begin():
    with pytest.raises(
        ValueError, match=r"CNN: min_stages must be at most 2, the largest number.* but got 3"
    ):
        CNN((1, 8, 8), 10, min_stages=3, max_stages=2)
