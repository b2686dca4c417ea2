import pytest
import torch
from torch import nn

from optuna_nas import ops
from optuna_nas.space import build
from optuna_nas.space import survey
from optuna_nas.spaces import MobileNet
from optuna_nas.testing import SpaceTestCase
from tests.spaces.searching import digits
from tests.spaces.searching import random_search


SMALL = {"in_channels": 1, "stages": [(8, 1), (16, 2)], "max_depth": 2, "head_channels": 16}


def params(network: MobileNet, depth: int, width: float = 1.0, **blocks: str) -> dict[str, object]:
    """The params of an architecture whose stages and blocks are all alike."""
    chosen: dict[str, object] = {"width": width}
    block = {"expansion": "e3", "kernel": "k3", **blocks}
    se = block.pop("se", "se0")
    for i, _ in enumerate(network.stages):
        chosen |= {f"stage{i}/depth": depth, f"stage{i}/se": se}
        for j in range(depth):
            chosen |= {f"stage{i}/block{j}/{name}": value for name, value in block.items()}
    return chosen


class TestASmallOne(SpaceTestCase):
    max_examples = 10

    @pytest.fixture
    def network(self):
        return MobileNet(num_classes=3, kernels=[3, 5], expansions=[1, 2], **SMALL)

    @pytest.fixture
    def example(self):
        return torch.randn(2, 1, 8, 8)


class TestImagesOfAnOddSize(SpaceTestCase):
    max_examples = 5

    @pytest.fixture
    def network(self):
        return MobileNet(
            stages=[(8, 2), (8, 1)],
            min_depth=2,
            max_depth=2,
            widths=[1],
            kernels=[3],
            expansions=[2],
            se_ratios=[0, 0.01, 1],
            stem_stride=2,
        )

    @pytest.fixture
    def example(self):
        return torch.randn(2, 3, 7, 9)


def test_a_random_search_runs_on_images():
    network = MobileNet(kernels=[3, 5], expansions=[2, 3], **SMALL)
    random_search(network, *digits())


def test_size_is_the_product_of_its_choices():
    block = 3 * 2
    stage = 2 * (block + block**2)
    surveyed = survey(MobileNet(expansions=[2, 3], **SMALL))
    assert surveyed.size == 3 * stage**2


def test_kernel_and_expansion_are_chosen_by_block_and_the_rest_by_stage():
    network = MobileNet(kernels=[3], expansions=[2], **SMALL)
    surveyed = survey(network)
    assert set(surveyed.search_space) == set(params(network, depth=2))
    assert str(surveyed.conditions["stage1/block1/kernel"]) == "stage1/depth in 2"


def test_parameters_are_those_of_its_parts():
    network = MobileNet(num_classes=5, **SMALL)
    with torch.device("meta"):
        module = build(network, params(network, 2, expansion="e4", kernel="k5", se="se0.25"))

    def block(inputs: int, outputs: int) -> int:
        inside = 4 * inputs
        se = (inside * inputs + inputs) + (inputs * inside + inside)
        convs = inputs * inside + inside * 25 + inside * outputs
        return convs + 2 * (inside + inside + outputs) + se

    stem, head = 9 * 16 + 2 * 16, (16 * 16 + 2 * 16) + (16 * 5 + 5)
    blocks = block(16, 8) + block(8, 8) + block(8, 16) + block(16, 16)
    assert sum(p.numel() for p in module.parameters()) == stem + blocks + head


def test_a_stages_blocks_are_residual_but_the_first():
    """The first is not even where it could be, so that names do not depend on the width."""
    network = MobileNet(stages=[(16, 1), (16, 2)])
    module = build(network, params(network, depth=3))
    for stage in (module[3], module[4]):
        assert [type(block) for block in stage] == [nn.Sequential, ops.Residual, ops.Residual]


def test_the_first_block_of_a_stage_makes_its_step():
    network = MobileNet(stem_stride=2, in_channels=3, stages=[(8, 1), (16, 2)])
    for depth in (1, 3):
        module = build(network, params(network, depth)).eval()
        x = torch.randn(2, 3, 16, 16)
        assert module[:3](x).shape == (2, 16, 8, 8)
        assert module[:4](x).shape == (2, 8, 8, 8)
        assert module[:5](x).shape == (2, 16, 4, 4)


@pytest.mark.parametrize(("width", "expected"), [(0.5, [8, 16]), (0.75, [16, 16]), (2, [32, 48])])
def test_width_scales_channels_to_multiples_of_8(width, expected):
    network = MobileNet(stages=[(24, 1)], widths=[width])
    module = build(network, params(network, depth=1, width=width))
    assert [module[0].out_channels, module[3][0][-2].out_channels] == expected


def test_a_small_choice_is_a_slice_of_a_large_one():
    """What a once-for-all network needs: equal names, and shapes that fit into the larger."""
    network = MobileNet(**SMALL)
    with torch.device("meta"):
        large = build(
            network, params(network, 2, 1.0, expansion="e6", kernel="k7", se="se0.25")
        ).state_dict()
        for other in (params(network, 1, 0.5), params(network, 2, 0.75, kernel="k5", se="se0.25")):
            for name, tensor in build(network, other).state_dict().items():
                sides = zip(tensor.shape, large[name].shape, strict=True)
                assert all(small <= most for small, most in sides), name


def test_no_block_works_in_place():
    network = MobileNet(**SMALL)
    module = build(network, params(network, 2, se="se0.25"))
    assert not [name for name, m in module.named_modules() if getattr(m, "inplace", False)]


def test_it_learns_to_tell_a_bar_from_its_mirror_image():
    torch.manual_seed(0)
    network = MobileNet(num_classes=2, **SMALL)
    module = build(network, params(network, 1, se="se0.25"))
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


STAGES = "a list of (channels, stride), ints of at least 1 and 1 or 2"


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("num_classes", 0, "an int of at least 1, but got 0."),
        ("in_channels", 1.5, "an int of at least 1, but got 1.5."),
        ("min_depth", True, "an int of at least 1, but got True."),
        ("max_depth", "3", "an int of at least 1, but got '3'."),
        ("stem_channels", None, "an int of at least 1, but got None."),
        ("head_channels", 0, "an int of at least 1, but got 0."),
        ("stem_stride", 3, "1 or 2, but got 3."),
        ("stem_stride", 1.0, "1 or 2, but got 1.0."),
        ("stages", 3, f"{STAGES}, but got 3."),
        ("stages", [], f"{STAGES}, but got []."),
        ("stages", [16, 24], f"{STAGES}, but got [16, 24]."),
        ("stages", [(16, 3)], f"{STAGES}, but got [(16, 3)]."),
        ("stages", ["16"], f"{STAGES}, but got ['16']."),
        ("kernels", [4], "a list of odd ints of at least 1, but got [4]."),
        ("expansions", [0.5], "a list of ints of at least 1, but got [0.5]."),
        ("widths", [0], "a list of numbers above 0, but got [0]."),
        ("widths", [1e999], "a list of numbers above 0, but got [inf]."),
        ("widths", [True], "a list of numbers above 0, but got [True]."),
        ("se_ratios", [1.5], "a list of numbers from 0 to 1, but got [1.5]."),
    ],
)
def test_illegal_arguments_are_named_with_what_is_legal(name, value, message):
    with pytest.raises(ValueError, match=name) as raised:
        MobileNet(**{name: value})
    assert str(raised.value) == f"MobileNet: {name} must be {message}"


def test_depth_does_not_end_before_it_begins():
    with pytest.raises(
        ValueError, match=r"^MobileNet: max_depth must be at least min_depth \(4\), but got 3\.$"
    ):
        MobileNet(min_depth=4)
