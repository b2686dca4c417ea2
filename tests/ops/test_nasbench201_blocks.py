import pytest
import torch
from torch import nn

from optuna_nas import ops


OPERATIONS = ["none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3"]


def test_operations_have_the_benchmarks_names_in_its_order():
    assert list(ops.nasbench201_operations(4)) == OPERATIONS


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_keeps_shape_and_leaves_its_input_alone(name):
    x = torch.randn(2, 4, 6, 6)
    kept = x.clone()
    assert ops.nasbench201_operations(4)[name]()(x).shape == x.shape
    assert torch.equal(x, kept)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("none", 0),
        ("skip_connect", 0),
        ("nor_conv_1x1", 4 * 4 + 2 * 4),
        ("nor_conv_3x3", 4 * 4 * 9 + 2 * 4),
        ("avg_pool_3x3", 0),
    ],
)
def test_an_operation_has_the_benchmarks_parameters(name, expected):
    operation = ops.nasbench201_operations(4)[name]()
    assert sum(p.numel() for p in operation.parameters()) == expected


def test_none_gives_zeros_and_gradients_of_zero():
    x = torch.randn(2, 4, requires_grad=True)
    out = ops.Zero()(x)
    out.sum().backward()
    assert torch.equal(out, torch.zeros(2, 4))
    assert torch.equal(x.grad, torch.zeros(2, 4))


def test_pooling_averages_over_pixels_inside_the_image():
    pool = ops.nasbench201_operations(1)["avg_pool_3x3"]()
    assert torch.equal(pool(torch.ones(1, 1, 3, 3)), torch.ones(1, 1, 3, 3))


def test_a_convolution_is_preactivated():
    layers = ops.relu_conv_bn(2, 3, 3, stride=2)
    assert [type(layer) for layer in layers] == [nn.ReLU, nn.Conv2d, nn.BatchNorm2d]
    assert layers(torch.randn(2, 2, 8, 8)).shape == (2, 3, 4, 4)


@pytest.mark.parametrize("side", [8, 7])
def test_the_reduction_doubles_channels_and_halves_sides(side):
    reduction = ops.residual_reduction(4)
    assert reduction(torch.randn(2, 4, side, side)).shape == (2, 8, 4, 4)
