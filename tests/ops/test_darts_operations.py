import copy

import pytest
import torch
from torch import nn

from optuna_nas import ops


OPERATIONS = [
    "none",
    "max_pool_3x3",
    "avg_pool_3x3",
    "skip_connect",
    "sep_conv_3x3",
    "sep_conv_5x5",
    "dil_conv_3x3",
    "dil_conv_5x5",
]


def test_operations_have_the_papers_names_in_its_codes_order():
    assert list(ops.darts_operations(4)) == OPERATIONS


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("size", [(8, 8), (7, 5), (1, 2)])
@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_keeps_or_halves_the_image_and_leaves_its_input_alone(name, size, affine):
    x = torch.randn(2, 5, *size)
    kept = x.clone()
    halved = [(side + 1) // 2 for side in size]
    assert ops.darts_operations(5, affine=affine)[name]()(x).shape == x.shape
    assert ops.darts_operations(5, 2, affine=affine)[name]()(x).shape == (2, 5, *halved)
    assert torch.equal(x, kept)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("sep_conv_3x3", 2 * (4 * 9 + 4 * 4 + 2 * 4)),
        ("sep_conv_5x5", 2 * (4 * 25 + 4 * 4 + 2 * 4)),
        ("dil_conv_3x3", 4 * 9 + 4 * 4 + 2 * 4),
        ("dil_conv_5x5", 4 * 25 + 4 * 4 + 2 * 4),
        ("skip_connect", 0),
        ("max_pool_3x3", 0),
    ],
)
def test_an_operation_has_the_parameters_of_its_parts(name, expected):
    operation = ops.darts_operations(4)[name]()
    assert sum(p.numel() for p in operation.parameters()) == expected


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("name", [name for name in OPERATIONS if "_" in name])
def test_without_affine_no_normalization_has_weights_and_poolings_are_normalized(name, stride):
    operation = ops.darts_operations(4, stride, affine=False)[name]()
    norms = [m for m in operation.modules() if isinstance(m, nn.BatchNorm2d)]
    assert not any(norm.affine for norm in norms)
    assert norms or isinstance(operation, nn.Identity)


@pytest.mark.parametrize("stride", [1, 2])
def test_none_gives_zeros(stride):
    out = ops.darts_operations(3, stride)["none"]()(torch.randn(2, 3, 4, 4))
    assert torch.equal(out, torch.zeros(2, 3, 4 // stride, 4 // stride))


def test_a_dilated_convolution_sees_every_second_pixel():
    convolution = ops.darts_operations(1)["dil_conv_3x3"]()[1]
    nn.init.ones_(convolution.weight)
    x = torch.zeros(1, 1, 7, 7)
    x[0, 0, 3, 3] = 1
    seen = convolution(x)[0, 0].nonzero().tolist()
    assert seen == [[i, j] for i in (1, 3, 5) for j in (1, 3, 5)]


def test_a_factorized_reduction_sees_pixels_of_even_and_of_odd_places():
    reduction = ops.FactorizedReduction(1, 2)
    reduction.norm = nn.Identity()
    nn.init.ones_(reduction.first.weight)
    nn.init.ones_(reduction.second.weight)
    x = torch.arange(1.0, 17).reshape(1, 1, 4, 4)
    out = reduction(x)
    assert torch.equal(out[0, 0], x[0, 0, ::2, ::2])
    assert torch.equal(out[0, 1], x[0, 0, 1::2, 1::2])


def test_a_factorized_reduction_gives_an_odd_number_of_channels_too():
    assert ops.FactorizedReduction(4, 3)(torch.randn(2, 4, 5, 6)).shape == (2, 3, 3, 3)


def test_drop_path_drops_whole_rows_in_training_and_keeps_the_mean():
    torch.manual_seed(0)
    out = ops.DropPath(0.25)(torch.ones(4000, 3, 2))
    dropped = (out == 0).flatten(1)
    assert torch.equal(dropped.any(1), dropped.all(1))
    assert dropped.all(1).float().mean().item() == pytest.approx(0.25, abs=0.03)
    kept = out[~dropped.all(1)]
    torch.testing.assert_close(kept, torch.full_like(kept, 4 / 3))


def test_drop_path_does_nothing_in_evaluation():
    x = torch.randn(4, 3)
    assert torch.equal(ops.DropPath(0.5).eval()(x), x)
    assert repr(ops.DropPath(0.5)) == "DropPath(p=0.5)"


@pytest.mark.parametrize("channels", [2, 4, 6, 8])
@pytest.mark.parametrize("name", OPERATIONS[3:])
def test_gradients_are_the_same_wherever_channels_lie_in_memory(name, channels):
    operation = ops.darts_operations(channels, 2)[name]().double()
    wanted, found = operation, copy.deepcopy(operation).float()
    x = torch.randn(3, channels, 9, 8)
    wanted(x.double()).square().sum().backward()
    found.to(memory_format=torch.channels_last)
    found(x.contiguous(memory_format=torch.channels_last)).square().sum().backward()
    for one, other in zip(wanted.parameters(), found.parameters(), strict=True):
        torch.testing.assert_close(one.grad.float(), other.grad, rtol=1e-3, atol=1e-3)
